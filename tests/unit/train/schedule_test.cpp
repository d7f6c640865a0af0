#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include <remote/train/schedule.h>

namespace remote::train {
namespace {

// 4 steps to an epoch, 12 in all, from 0.1.
constexpr ScheduleContext kRun{0.1, 12, 4};

void expect_rates(const LrSchedule& schedule, std::vector<double> rates) {
  for (size_t step = 0; step < rates.size(); ++step) {
    EXPECT_NEAR(schedule(static_cast<int64_t>(step)), rates[step], 1e-12) << "step " << step;
  }
}

TEST(ScheduleTest, ConstantIsTheBaseRate) {
  expect_rates(make_schedule(ConstantScheduleOptions(), kRun), {0.1, 0.1, 0.1});
}

TEST(ScheduleTest, StepLRMultipliesEveryStepSizeEpochs) {
  StepLROptions options;
  options.step_size = 2;
  expect_rates(make_schedule(options, kRun), {.1, .1, .1, .1, .1, .1, .1, .1, .01, .01, .01, .01, .01});
}

TEST(ScheduleTest, IntervalStepCountsSteps) {
  StepLROptions options;
  options.step_size = 2;
  options.interval = Interval::kStep;
  expect_rates(make_schedule(options, kRun), {.1, .1, .01, .01, .001});
}

TEST(ScheduleTest, MultiStepLRMultipliesAtEachMilestone) {
  MultiStepLROptions options;
  options.milestones = {1, 3};
  options.interval = Interval::kStep;
  expect_rates(make_schedule(options, kRun), {.1, .01, .01, .001, .001});
}

TEST(ScheduleTest, ExponentialLRMultipliesEachTime) {
  ExponentialLROptions options;
  options.gamma = 0.5;
  options.interval = Interval::kStep;
  expect_rates(make_schedule(options, kRun), {.1, .05, .025});
}

TEST(ScheduleTest, CosineAnnealingEndsAtEtaMinWithTheRun) {
  CosineAnnealingLROptions options;
  options.eta_min = 0.02;
  const auto schedule = make_schedule(options, kRun);
  expect_rates(schedule, {0.1, 0.02 + 0.08 * (1 + std::cos(std::numbers::pi / 12)) / 2});
  EXPECT_NEAR(schedule(6), 0.06, 1e-12);
  EXPECT_NEAR(schedule(12), 0.02, 1e-12);
}

TEST(ScheduleTest, CosineAnnealingWithATMaxCountsEpochs) {
  CosineAnnealingLROptions options;
  options.T_max = 2;
  expect_rates(make_schedule(options, kRun), {.1, .1, .1, .1, .05, .05, .05, .05, 0});
}

TEST(ScheduleTest, LinearLRGoesFromOneFactorToTheOther) {
  LinearLROptions options;
  options.start_factor = 0.5;
  options.total_iters = 2;
  options.interval = Interval::kStep;
  expect_rates(make_schedule(options, kRun), {.05, .075, .1, .1});
}

TEST(ScheduleTest, WarmupCosineIsNanoGPTs) {
  WarmupCosineOptions options;
  options.warmup_steps = 2;
  options.eta_min = 0.01;
  expect_rates(make_schedule(options, kRun),
               {0.1 / 3, 0.2 / 3, 0.1, 0.01 + 0.09 * (1 + std::cos(std::numbers::pi * 0.1)) / 2});
  EXPECT_DOUBLE_EQ(make_schedule(options, kRun)(12), 0.01);
  options.warmup_steps.reset();
  options.warmup_ratio = 0.25;
  expect_rates(make_schedule(options, kRun), {0.025, 0.05, 0.075, 0.1});
}

}  // namespace
}  // namespace remote::train
