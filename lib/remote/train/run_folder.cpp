#include <unistd.h>

#include <cerrno>

#include <remote/device/error.h>
#include <remote/train/files.h>
#include <remote/train/run.h>

namespace remote::train {
namespace fs = std::filesystem;
namespace {

void check_writable(const fs::path& folder) {
  if (::access(folder.c_str(), W_OK | X_OK) != 0) throw_file_error("the run folder can't be written:", folder, errno);
}

}  // namespace

RunFolder RunFolder::create(const fs::path& root) {
  RunFolder folder{root};
  make_folder(root);
  check_writable(root);
  if (fs::exists(folder.checkpoints()) || fs::exists(folder.metrics())) {
    throw Error(StatusCode::kAlreadyExists, "the run folder " + root.string() +
                                                " has a run in it already: continue it with --resume " + root.string() +
                                                ", or choose another folder with --output");
  }
  return folder;
}

RunFolder RunFolder::open(const fs::path& root) {
  RunFolder folder{root};
  if (!fs::exists(folder.checkpoints() / "last" / "train_state.json")) {
    throw Error(StatusCode::kNotFound, "there is nothing to resume in " + root.string() + ": it has no checkpoint (" +
                                           (folder.checkpoints() / "last").string() +
                                           "); train anew, into another folder or after deleting this one");
  }
  check_writable(root);
  return folder;
}

}  // namespace remote::train
