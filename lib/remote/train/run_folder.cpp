#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>

#include <remote/device/error.h>
#include <remote/train/files.h>
#include <remote/train/run.h>

namespace remote::train {
namespace fs = std::filesystem;

class FolderLock {
 public:
  explicit FolderLock(const fs::path& folder)
      : descriptor_(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    if (descriptor_ < 0) throw_file_error("can't open the run folder", folder, errno);
    // A file system without locks has none to hold.
    if (::flock(descriptor_, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return;
    ::close(descriptor_);
    throw_error(StatusCode::kAlreadyExists, "another run is writing into " + folder.string() +
                                                ": wait until it has ended, or choose another folder");
  }
  ~FolderLock() { ::close(descriptor_); }
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  const int descriptor_;
};

namespace {

void check_writable(const fs::path& folder) {
  if (::access(folder.c_str(), W_OK | X_OK) != 0) throw_file_error("the run folder can't be written:", folder, errno);
}

}  // namespace

RunFolder RunFolder::create(const fs::path& root) {
  RunFolder folder{root};
  make_folder(root);
  check_writable(root);
  folder.lock = std::make_shared<FolderLock>(root);
  if (fs::exists(folder.checkpoints()) || fs::exists(folder.metrics())) {
    throw_error(StatusCode::kAlreadyExists, "the run folder " + root.string() +
                                                " has a run in it already: continue it with --resume " + root.string() +
                                                ", or choose another folder with --output");
  }
  return folder;
}

RunFolder RunFolder::open(const fs::path& root) {
  RunFolder folder{root};
  if (!fs::exists(folder.checkpoints() / "last" / "train_state.json")) {
    throw_error(StatusCode::kNotFound, "there is nothing to resume in " + root.string() + ": it has no checkpoint (" +
                                           (folder.checkpoints() / "last").string() +
                                           "); train anew, into another folder or after deleting this one");
  }
  check_writable(root);
  folder.lock = std::make_shared<FolderLock>(root);
  return folder;
}

}  // namespace remote::train
