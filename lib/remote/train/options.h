#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <remote/data/options.h>

namespace remote::train {

// ---- Optimizers. Names and defaults as torch.optim has them.

/// What every optimizer here has beside its own options.
struct WeightDecayOptions {
  double weight_decay = 0;
  /// Decays only parameters of two or more dimensions: weights of linear, convolution and embedding layers, but no
  /// biases and no norms. As nanoGPT does.
  bool decay_matrices_only = false;
};

struct SGDOptions : WeightDecayOptions {
  double lr = 1e-3;
  double momentum = 0;
  double dampening = 0;
  bool nesterov = false;
};

struct AdamOptions : WeightDecayOptions {
  double lr = 1e-3;
  std::array<double, 2> betas = {0.9, 0.999};
  double eps = 1e-8;
  bool amsgrad = false;
};

struct AdamWOptions : AdamOptions {
  AdamWOptions() { weight_decay = 1e-2; }
};

struct RMSpropOptions : WeightDecayOptions {
  double lr = 1e-2;
  double alpha = 0.99;
  double eps = 1e-8;
  double momentum = 0;
  bool centered = false;
};

struct AdagradOptions : WeightDecayOptions {
  double lr = 1e-2;
  double lr_decay = 0;
  double initial_accumulator_value = 0;
  double eps = 1e-10;
};

// ---- Learning rate. Names as torch.optim.lr_scheduler has them; see schedule.h for the formulas.

/// What a scheduler's counts (step_size, milestones, T_max, ...) count.
enum class Interval { kEpoch, kStep };

struct ConstantScheduleOptions {};

struct StepLROptions {
  int64_t step_size = 1;
  double gamma = 0.1;
  Interval interval = Interval::kEpoch;
};

struct MultiStepLROptions {
  std::vector<int64_t> milestones;
  double gamma = 0.1;
  Interval interval = Interval::kEpoch;
};

struct ExponentialLROptions {
  double gamma = 0.95;
  Interval interval = Interval::kEpoch;
};

struct CosineAnnealingLROptions {
  /// None: the whole run, and the rate changes with every step.
  std::optional<int64_t> T_max;
  /// A learning rate, not a factor.
  double eta_min = 0;
  Interval interval = Interval::kEpoch;
};

struct LinearLROptions {
  double start_factor = 1.0 / 3;
  double end_factor = 1.0;
  int64_t total_iters = 5;
  Interval interval = Interval::kEpoch;
};

/// A linear warm-up, then half a cosine down to eta_min at the end of the run. Always per step.
struct WarmupCosineOptions {
  /// At most one of the two; the ratio is of the run's steps. Neither: no warm-up.
  std::optional<int64_t> warmup_steps;
  std::optional<double> warmup_ratio;
  /// A learning rate, not a factor.
  double eta_min = 0;
  /// The step at which eta_min is reached. None: the run's last.
  std::optional<int64_t> total_steps;
};

// ---- The run.

enum class MonitorMode { kMin, kMax };

/// How long a run trains and what happens on the way. Counts of steps are of optimizer steps since the run began,
/// resumed ones included.
struct TrainerOptions {
  /// Exactly one of the two.
  std::optional<int64_t> epochs;
  std::optional<int64_t> max_steps;

  /// Scales the gradients down to this 2-norm over all parameters.
  std::optional<double> clip_grad_norm;
  /// Ends the run at a loss (or norm of the gradients, where they are clipped) that is no finite number, before it
  /// reaches the weights.
  bool nan_guard = true;

  /// 0: at the end of each epoch.
  int64_t val_every_steps = 0;
  /// None: the whole validation set.
  std::optional<int64_t> limit_val_batches;
  /// How often train/loss and lr are logged.
  int64_t log_every_steps = 10;

  /// Which figure of the validation chooses the best checkpoint. Empty: val/accuracy where there is one, else val/loss.
  std::string monitor;
  /// Whether less or more is better. None: more for names that end in accuracy, less for others.
  std::optional<MonitorMode> monitor_mode;
};

struct CheckpointOptions {
  /// 0: after each validation, and always at the end of the run.
  int64_t every_steps = 0;
  /// How many of the latest checkpoints stay, beside the best one.
  int64_t keep_last = 1;
};

/// Where a run's progress goes. metrics.jsonl and summary.json are always written.
struct LoggingOptions {
  /// Without a terminal: a plain line so often, in seconds.
  double console_seconds = 5;
  bool quiet = false;
};

}  // namespace remote::train
