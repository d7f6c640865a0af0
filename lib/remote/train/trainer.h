#pragma once
#include <atomic>
#include <chrono>
#include <memory>
#include <vector>

#include <remote/data/batch_sampler.h>
#include <remote/data/dataset.h>
#include <remote/train/checkpoint.h>
#include <remote/train/metrics_log.h>
#include <remote/train/model.h>
#include <remote/train/nan_guard.h>
#include <remote/train/optimizer.h>
#include <remote/train/options.h>
#include <remote/train/run.h>
#include <remote/train/schedule.h>
#include <remote/train/step_metrics.h>
#include <remote/train/task.h>

namespace remote::train {

/// How long a run is. Needed before it begins, for its schedule.
struct RunLength {
  int64_t total_steps = 0;
  int64_t steps_per_epoch = 0;
};

/// Throws remote::Error unless exactly one of epochs and max_steps is given.
RunLength run_length(const TrainerOptions& options, const data::BatchOptions& batches, const data::Dataset& train);

/// What a run trains and with what. The model's parameters and the data lie on the same device.
struct TrainerParts {
  std::shared_ptr<Model> model;
  std::shared_ptr<const Task> task;
  std::unique_ptr<Optimizer> optimizer;
  LrSchedule schedule;
  data::Splits data;
};

struct RunOptions {
  TrainerOptions trainer;
  data::BatchOptions batches;
  CheckpointOptions checkpoint;
  /// Of the order of data; seed_rng() is the caller's, before it makes the model.
  uint64_t seed = 0;
  /// Reads the last checkpoint back in the end and compares it with what was trained.
  bool verify_checkpoint = false;
};

/// Makes a run a miniature of itself that takes seconds: a few steps, two short validations with their checkpoints, and
/// the last one read back and compared. Call it before run_length().
void shrink_to_smoke_run(RunOptions& options);

/// Runs a training from its start, or from a checkpoint, to its end. One run; one thread, the one that calls.
///
/// A step reads no value from the device: steps are handed over ahead of it, about half a second's worth, and figures
/// come back later, see StepMetrics. What waits: validation, checkpoints and the end of the run.
class Trainer {
 public:
  /// `observers` must outlive the trainer. Throws remote::Error for options that don't fit the rest.
  Trainer(TrainerParts parts, RunOptions options, RunFolder folder, std::vector<RunObserver*> observers = {});

  Trainer(const Trainer&) = delete;
  Trainer& operator=(const Trainer&) = delete;

  /// Continues from the run folder's last checkpoint: weights, optimizer, random numbers, order of data and best result
  /// are those of that step, and metrics.jsonl is cut back to it. From there on the run is, bit for bit, the one that
  /// was never interrupted. Throws remote::Error when the checkpoint does not fit. Call it before run().
  void resume();

  /// Trains to the end, or until `stop` is not zero, which is looked at after every step: then a checkpoint is saved. A
  /// summary.json is written in every case.
  ///
  /// Throws what ended the run as remote::Error, with the step and the last checkpoint in its message: an error of the
  /// device, a loss that is not finite, a disk that is full.
  RunResult run(const std::atomic<int>& stop);

 private:
  using Clock = std::chrono::steady_clock;

  struct StepTensors {
    at::Tensor loss;
    at::Tensor grad_norm;  // undefined when gradients aren't clipped
  };

  void train(const std::atomic<int>& stop);
  StepTensors train_step(int64_t number);
  void ask_for_metrics(const StepTensors& tensors, bool is_logged);
  void take_metrics(const MetricRecord& record, int64_t bad_steps);
  /// False when `stop` cut it short.
  bool validate(const std::atomic<int>& stop);
  void record(const MetricRecord& record);
  Checkpoint fetch_checkpoint() const;
  void save_checkpoint();
  void store(const Checkpoint& checkpoint);
  void verify_last_checkpoint();
  /// Saves the weights from before the first bad step, where they are still there, and throws.
  [[noreturn]] void end_at_bad_loss(int64_t first_bad_step);

  bool validation_due() const;
  bool checkpoint_due() const;
  int64_t epoch() const { return (state_.step - 1) / length_.steps_per_epoch + 1; }
  double seconds() const;
  RunResult result(RunStatus status, const std::string& error) const;
  std::string where_it_ended() const;

  TrainerParts parts_;
  RunOptions options_;
  RunFolder folder_;
  std::vector<RunObserver*> observers_;
  data::BatchSampler sampler_;
  RunLength length_;
  c10::Device device_;
  std::string monitor_;
  bool more_is_better_;
  NanGuard guard_;
  StepMetrics step_metrics_;
  CheckpointStore checkpoints_;
  std::unique_ptr<MetricsLog> log_;

  TrainState state_;
  int64_t first_step_ = 0;
  int64_t saved_step_ = -1;    // of the last checkpoint; -1 for none
  int64_t best_step_ = -1;     // of the checkpoint that `best` points to
  int64_t bad_step_ = -1;      // whose loss was no finite number
  int64_t examples_ = 0;       // trained in this process
  double training_seconds_ = 0;
  Clock::time_point began_;
};

}  // namespace remote::train
