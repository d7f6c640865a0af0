#include <remote/train/schedule.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace remote::train {
namespace {

/// Half a cosine from `high` at 0 to `low` at 1.
double cosine(double low, double high, double at) {
  return low + (high - low) * (1 + std::cos(std::numbers::pi * at)) / 2;
}

int64_t steps_per_count(Interval interval, const ScheduleContext& context) {
  return interval == Interval::kStep ? 1 : std::max<int64_t>(context.steps_per_epoch, 1);
}

}  // namespace

LrSchedule make_schedule(const ConstantScheduleOptions&, const ScheduleContext& context) {
  return [lr = context.base_lr](int64_t) { return lr; };
}

LrSchedule make_schedule(const StepLROptions& options, const ScheduleContext& context) {
  return [options, lr = context.base_lr, every = steps_per_count(options.interval, context)](int64_t step) {
    return lr * std::pow(options.gamma, static_cast<double>(step / every / options.step_size));
  };
}

LrSchedule make_schedule(const MultiStepLROptions& options, const ScheduleContext& context) {
  return [options, lr = context.base_lr, every = steps_per_count(options.interval, context)](int64_t step) {
    auto passed = std::count_if(options.milestones.begin(), options.milestones.end(),
                                [&](int64_t milestone) { return milestone <= step / every; });
    return lr * std::pow(options.gamma, static_cast<double>(passed));
  };
}

LrSchedule make_schedule(const ExponentialLROptions& options, const ScheduleContext& context) {
  return [options, lr = context.base_lr, every = steps_per_count(options.interval, context)](int64_t step) {
    return lr * std::pow(options.gamma, static_cast<double>(step / every));
  };
}

LrSchedule make_schedule(const CosineAnnealingLROptions& options, const ScheduleContext& context) {
  const int64_t every = options.T_max ? steps_per_count(options.interval, context) : 1;
  const auto period = static_cast<double>(std::max<int64_t>(options.T_max.value_or(context.total_steps), 1));
  return [low = options.eta_min, lr = context.base_lr, every, period](int64_t step) {
    return cosine(low, lr, static_cast<double>(step / every) / period);
  };
}

LrSchedule make_schedule(const LinearLROptions& options, const ScheduleContext& context) {
  return [options, lr = context.base_lr, every = steps_per_count(options.interval, context)](int64_t step) {
    const auto total = static_cast<double>(std::max<int64_t>(options.total_iters, 1));
    const double at = std::min(static_cast<double>(step / every) / total, 1.0);
    return lr * (options.start_factor + (options.end_factor - options.start_factor) * at);
  };
}

LrSchedule make_schedule(const WarmupCosineOptions& options, const ScheduleContext& context) {
  const int64_t total = options.total_steps.value_or(context.total_steps);
  const auto by_ratio =
      static_cast<int64_t>(std::llround(options.warmup_ratio.value_or(0) * static_cast<double>(context.total_steps)));
  const int64_t warmup = options.warmup_steps.value_or(by_ratio);
  return [low = options.eta_min, lr = context.base_lr, warmup, total](int64_t step) {
    if (step < warmup) return lr * static_cast<double>(step + 1) / static_cast<double>(warmup + 1);
    if (step >= total) return low;
    return cosine(low, lr, static_cast<double>(step - warmup) / static_cast<double>(total - warmup));
  };
}

}  // namespace remote::train
