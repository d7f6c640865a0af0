#include <remote/train/checkpoint.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <set>

#include <remote/device/error.h>
#include <remote/train/files.h>
#include <remote/train/safetensors.h>

namespace remote::train {
namespace fs = std::filesystem;
namespace {

constexpr const char* kModelFile = "model.safetensors";
constexpr const char* kStateFile = "train_state.safetensors";
constexpr const char* kStateJson = "train_state.json";
constexpr const char* kUnfinished = ".unfinished";
const std::string kOptimizerPrefix = "optimizer.";

/// "step-00000400"; sorted by name is sorted by step for any run that ends.
std::string folder_name(int64_t step) {
  char name[32];
  std::snprintf(name, sizeof name, "step-%08lld", static_cast<long long>(step));
  return name;
}

std::string target_name(const fs::path& link) {
  std::error_code error;
  return fs::read_symlink(link, error).filename();
}

/// The complete checkpoints, oldest first.
std::vector<std::string> step_folders(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    std::string name = entry.path().filename();
    if (name.starts_with("step-") && !name.ends_with(kUnfinished)) names.push_back(std::move(name));
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

Checkpoint read_checkpoint(const fs::path& folder) {
  Checkpoint checkpoint;
  Safetensors model = read_safetensors(folder / kModelFile), state = read_safetensors(folder / kStateFile);
  checkpoint.model = std::move(model.tensors);
  checkpoint.metadata = std::move(model.metadata);
  for (NamedTensor& entry : state.tensors) {
    if (entry.name == "rng") {
      checkpoint.rng = std::move(entry.tensor);
    } else if (entry.name.starts_with(kOptimizerPrefix)) {
      checkpoint.optimizer.push_back({entry.name.substr(kOptimizerPrefix.size()), std::move(entry.tensor)});
    }
  }
  if (!checkpoint.rng.defined())
    throw_error(StatusCode::kDataLoss, (folder / kStateFile).string() + " has no tensor rng");
  checkpoint.state = parse_train_state(read_file(folder / kStateJson), (folder / kStateJson).string());
  return checkpoint;
}

void check_metadata(const std::map<std::string, std::string>& ours, const std::map<std::string, std::string>& theirs,
                    const std::string& source) {
  for (const auto& [name, value] : ours) {
    auto other = theirs.find(name);
    if (other == theirs.end() || other->second == value) continue;
    throw_error(StatusCode::kInvalidArgument, source + " was trained with another " + name +
                                                  " than the data here have: " + std::to_string(other->second.size()) +
                                                  " bytes there, " + std::to_string(value.size()) +
                                                  " here, and they differ. Use the data that it was trained with");
  }
}

CheckpointStore::CheckpointStore(fs::path folder, CheckpointOptions options)
    : folder_(std::move(folder)), options_(options) {}

bool CheckpointStore::has_last() const { return fs::exists(last() / kStateJson); }

void CheckpointStore::save(const Checkpoint& checkpoint, bool is_best) {
  const std::string name = folder_name(checkpoint.state.step);
  const std::string state_json = format_train_state(checkpoint.state);
  make_folder(folder_);
  if (fs::exists(folder_ / name)) {
    replace_file(folder_ / name / kStateJson, state_json);
  } else {
    const fs::path unfinished = folder_ / (name + kUnfinished);
    std::error_code ignored;
    fs::remove_all(unfinished, ignored);
    make_folder(unfinished);
    Safetensors state{checkpoint.optimizer, {}};
    for (NamedTensor& entry : state.tensors) entry.name = kOptimizerPrefix + entry.name;
    state.tensors.push_back({"rng", checkpoint.rng});
    try {
      write_safetensors(unfinished / kModelFile, {checkpoint.model, checkpoint.metadata}, Checksum::kXxh3);
      write_safetensors(unfinished / kStateFile, state, Checksum::kXxh3);
      replace_file(unfinished / kStateJson, state_json);
    } catch (const Error&) {
      fs::remove_all(unfinished, ignored);  // gives a full disk its space back
      throw;
    }
    if (std::rename(unfinished.c_str(), (folder_ / name).c_str()) != 0) {
      throw_file_error("can't make the checkpoint", folder_ / name, errno);
    }
    sync_folder(folder_);
  }
  replace_link(last(), name);
  if (is_best) replace_link(best(), name);
  sync_folder(folder_);
  remove_superfluous();
}

void CheckpointStore::remove_superfluous() const {
  const std::string best_name = target_name(best());
  std::vector<std::string> names = step_folders(folder_);
  const auto keep = static_cast<size_t>(std::max<int64_t>(options_.keep_last, 1));
  for (size_t i = 0; i + keep < names.size(); ++i) {
    // A folder that can't be removed costs space, and no more.
    std::error_code ignored;
    if (names[i] != best_name) fs::remove_all(folder_ / names[i], ignored);
  }
}

void CheckpointStore::clean_up(const TrainState& state) const {
  const std::string last_name = target_name(last());
  std::error_code ignored;
  std::vector<fs::path> leftovers;
  for (const auto& entry : fs::directory_iterator(folder_, ignored)) {
    if (entry.path().filename().string().ends_with(kUnfinished)) leftovers.push_back(entry.path());
  }
  for (const std::string& name : step_folders(folder_)) {
    if (!last_name.empty() && name > last_name) leftovers.push_back(folder_ / name);
  }
  for (const fs::path& path : leftovers) fs::remove_all(path, ignored);
  if (state.best && fs::exists(folder_ / folder_name(state.best->step)))
    replace_link(best(), folder_name(state.best->step));
}

}  // namespace remote::train
