#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include <remote/train/metrics.h>
#include <remote/train/train_state.h>

namespace remote::train {

enum class RunStatus {
  kCompleted,
  kStopped,  // by request, after a checkpoint
  kFailed,
};

/// "completed", "stopped", "failed".
const char* run_status_name(RunStatus status);

/// What a run does, known before its first step.
struct RunInfo {
  std::string device;
  int64_t parameters = 0;
  int64_t total_steps = 0;
  int64_t steps_per_epoch = 0;
  int64_t batch_size = 0;
  /// 0, unless the run is resumed.
  int64_t first_step = 0;
};

/// How a run ended. summary.json.
struct RunResult {
  RunStatus status = RunStatus::kCompleted;
  int64_t steps = 0;
  int64_t steps_per_epoch = 1;
  int64_t parameters = 0;
  std::string device;
  /// Of training, validation and checkpoints, over all parts of a resumed run.
  double seconds = 0;
  /// Trained in this process, validation and checkpoints left out of the time.
  double examples_per_second = 0;
  /// The latest value of each figure: "train/loss", "val/accuracy", ...
  MetricValues metrics;
  std::optional<BestResult> best;
  /// The latest checkpoint, or empty.
  std::filesystem::path checkpoint;
  /// Why the run failed, or empty.
  std::string error;

  double epochs() const { return static_cast<double>(steps) / static_cast<double>(steps_per_epoch); }
};

/// Is told what a run does, on the run's thread. It must not throw, and what it does costs the run its time.
class RunObserver {
 public:
  virtual ~RunObserver() = default;
  virtual void on_start(const RunInfo& info) {}
  /// After each step was handed to the device, which may still be at work on it. `step` counts from 1 over the whole
  /// run.
  virtual void on_step(int64_t step) {}
  /// The device has done all steps up to this one. Told for some of them, at most 16 steps apart.
  virtual void on_done(int64_t step) {}
  /// Figures that have arrived; those of training steps come some steps late.
  virtual void on_metrics(const MetricRecord& record) {}
  virtual void on_checkpoint(int64_t step, bool is_best) {}
  virtual void on_finish(const RunResult& result) {}
};

/// Holds a folder against other processes for as long as it lives. Its destruction, and the end of the process, free
/// it.
class FolderLock;

/// Where a run keeps its files.
struct RunFolder {
  std::filesystem::path root;
  /// Of a folder that create() or open() gave: one run at a time writes into it.
  std::shared_ptr<const FolderLock> lock = nullptr;

  std::filesystem::path config() const { return root / "config.yaml"; }
  std::filesystem::path metrics() const { return root / "metrics.jsonl"; }
  std::filesystem::path summary() const { return root / "summary.json"; }
  std::filesystem::path checkpoints() const { return root / "checkpoints"; }

  /// Makes the folder for a new run. Throws remote::Error when it can't be written, has a run in it already, or is in
  /// use by another process.
  static RunFolder create(const std::filesystem::path& root);
  /// For resuming. Throws remote::Error when the folder has no checkpoint, can't be written, or is in use by another
  /// process.
  static RunFolder open(const std::filesystem::path& root);
};

/// Writes summary.json. Throws remote::Error.
void write_summary(const std::filesystem::path& path, const RunResult& result);

}  // namespace remote::train
