// Twelve ordinary training steps, unmodified torch::nn and torch::optim, on the device and on LibTorch's CPU: one seed,
// one thread, all draws on the device as against all draws on the CPU. Every loss and every parameter is the same, bit
// for bit, and from the making of the model to the last step nothing waits for the worker, not even the first time.
#include <gtest/gtest.h>

#include "steps.h"
#include "tests/integration/carriers.h"

namespace remote::test {
namespace {

void expect_same_steps(const Model& model, const Optimizer& optimizer) {
  const Steps expected = take_steps(model, optimizer, torch::kCPU);
  const Steps actual = take_steps(model, optimizer, remote_device());
  ASSERT_NE(expected.losses.front(), expected.losses.back()) << "nothing was learnt, so nothing is shown";
  for (const auto& losses : expected.losses) {
    for (const float loss : losses) ASSERT_TRUE(std::isfinite(loss));
  }
  EXPECT_EQ(first_difference(expected, actual), "");
  EXPECT_EQ(actual.waits(), 0u) << actual.recorded;
  EXPECT_GT(actual.recorded.client.ops, static_cast<uint64_t>(10 * kSteps)) << "the counters count nothing";
  EXPECT_EQ(worker_stats().storages, 0u) << "the steps have left storages on the worker";
}

using Case = std::tuple<Model, Optimizer>;

class TrainingSteps : public testing::TestWithParam<Case> {
 protected:
  void SetUp() override { at::set_num_threads(1); }
};

TEST_P(TrainingSteps, GiveTheLossesOfTheCpuAndNeverWait) {
  const Connected connected("embedded");
  expect_same_steps(std::get<0>(GetParam()), std::get<1>(GetParam()));
}

INSTANTIATE_TEST_SUITE_P(All, TrainingSteps,
                         testing::Combine(testing::ValuesIn(all_models()), testing::ValuesIn(all_optimizers())),
                         [](const auto& info) {
                           return std::get<0>(info.param).name + "With" + std::get<1>(info.param).name;
                         });

#ifdef REMOTE_GRPC
class TrainingStepsOverGrpc : public testing::TestWithParam<Model> {
 protected:
  static void SetUpTestSuite() {
    at::set_num_threads(1);
    connected_ = std::make_unique<Connected>("grpc");
  }
  static void TearDownTestSuite() { connected_.reset(); }

 private:
  static inline std::unique_ptr<Connected> connected_;
};

TEST_P(TrainingStepsOverGrpc, WithAdamGiveTheLossesOfTheCpuAndNeverWait) {
  const auto optimizers = all_optimizers();
  const auto adam =
      std::find_if(optimizers.begin(), optimizers.end(), [](const auto& one) { return one.name == "Adam"; });
  expect_same_steps(GetParam(), *adam);
}

INSTANTIATE_TEST_SUITE_P(All, TrainingStepsOverGrpc, testing::ValuesIn(all_models()),
                         [](const auto& info) { return info.param.name; });
#endif

TEST(TrainingStepsCheck, SeesOneBitAndOneWait) {
  at::set_num_threads(1);
  const Connected connected("embedded");
  const Steps steps = take_steps(all_models().front(), all_optimizers().front(), remote_device(), 3);
  EXPECT_EQ(first_difference(steps, steps), "");
  Steps other = steps;
  other.losses[2][0] = std::nextafter(other.losses[2][0], 1e9f);
  EXPECT_NE(first_difference(steps, other), "");
  other = steps;
  auto& weight = other.state.begin()->second;
  weight = weight.clone();
  weight.view({-1})[0] += 1e-6;
  EXPECT_NE(first_difference(steps, other), "");

  const Model waits{"waits", [](torch::Device device, const MakeOptimizer& make_optimizer) {
                      auto learner = all_models().front().make(device, make_optimizer);
                      learner->step().front().item<float>();
                      return learner;
                    }};
  EXPECT_EQ(take_steps(waits, all_optimizers().front(), remote_device(), 2).waits(), 1u);
}

}  // namespace
}  // namespace remote::test
