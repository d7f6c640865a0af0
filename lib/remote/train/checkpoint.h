#pragma once
#include <filesystem>
#include <map>
#include <string>

#include <remote/train/named_tensors.h>
#include <remote/train/options.h>
#include <remote/train/train_state.h>

namespace remote::train {

/// A run at one step, on the CPU. On disk it is a folder of three files: model.safetensors (the state dict),
/// train_state.safetensors ("optimizer.<parameter>.<moment>", "rng") and train_state.json.
struct Checkpoint {
  NamedTensors model;
  /// What a user of the model must know beside the weights, see data::Splits::metadata.
  std::map<std::string, std::string> metadata;
  NamedTensors optimizer;
  at::Tensor rng;
  TrainState state;
};

/// Throws remote::Error that names the file that is missing or broken.
Checkpoint read_checkpoint(const std::filesystem::path& folder);

/// Throws remote::Error when a model made with data of `theirs` can't be used with data of `ours`: another vocabulary.
/// `source` is where `theirs` comes from.
void check_metadata(const std::map<std::string, std::string>& ours, const std::map<std::string, std::string>& theirs,
                    const std::string& source);

/// The checkpoints of one run: `step-00000400/` for each, and the links `last` and `best`, which always point to a
/// complete one. A folder is written under another name, brought to the disk, and renamed, so a crash at any point
/// leaves the checkpoints from before. One process at a time.
class CheckpointStore {
 public:
  /// `folder` is made when the first checkpoint is saved.
  CheckpointStore(std::filesystem::path folder, CheckpointOptions options);

  std::filesystem::path last() const { return folder_ / "last"; }
  std::filesystem::path best() const { return folder_ / "best"; }
  bool has_last() const;

  /// Writes the checkpoint, points `last` (and `best`, when told) to it, and removes what is over. A step that was
  /// saved already has the same tensors, so only its train_state.json is replaced. Throws remote::Error when the disk
  /// is full or refuses; nothing is lost then.
  void save(const Checkpoint& checkpoint, bool is_best);

  /// Puts right what a run that was killed left behind, given the state in `last`: removes half-written folders and
  /// checkpoints later than `last`, and points `best` where that state says.
  void clean_up(const TrainState& state) const;

 private:
  void remove_superfluous() const;

  std::filesystem::path folder_;
  CheckpointOptions options_;
};

}  // namespace remote::train
