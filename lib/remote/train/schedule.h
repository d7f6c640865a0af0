#pragma once
#include <cstdint>
#include <functional>

#include <remote/train/options.h>

namespace remote::train {

/// The learning rate of a step (0 is a run's first), as a pure function: a resumed run needs no state of it.
using LrSchedule = std::function<double(int64_t step)>;

/// What a schedule must know of the run that it is for.
struct ScheduleContext {
  double base_lr = 0;
  int64_t total_steps = 0;
  int64_t steps_per_epoch = 1;
};

// With n the step, or the number of epochs completed before it (options.interval), and lr the base rate. The formulas
// are the closed forms of torch.optim.lr_scheduler.

/// lr
LrSchedule make_schedule(const ConstantScheduleOptions& options, const ScheduleContext& context);
/// lr * gamma ^ floor(n / step_size)
LrSchedule make_schedule(const StepLROptions& options, const ScheduleContext& context);
/// lr * gamma ^ (how many milestones are <= n)
LrSchedule make_schedule(const MultiStepLROptions& options, const ScheduleContext& context);
/// lr * gamma ^ n
LrSchedule make_schedule(const ExponentialLROptions& options, const ScheduleContext& context);
/// eta_min + (lr - eta_min) * (1 + cos(pi * n / T_max)) / 2
LrSchedule make_schedule(const CosineAnnealingLROptions& options, const ScheduleContext& context);
/// lr * (start_factor + (end_factor - start_factor) * min(n, total_iters) / total_iters)
LrSchedule make_schedule(const LinearLROptions& options, const ScheduleContext& context);
/// nanoGPT's: lr * (n + 1) / (warm-up + 1) for the first steps, then cosine annealing, then eta_min.
LrSchedule make_schedule(const WarmupCosineOptions& options, const ScheduleContext& context);

}  // namespace remote::train
