// The same program on plain LibTorch's CPU, through an embedded worker and through an rt-worker: all draws on the
// device as against all draws on the CPU, one thread, the same optimizer kernel. Every loss and every weight is the
// same, bit for bit, and no step but the first waits for the worker.
#include <gtest/gtest.h>

#include "carriers.h"
#include "training.h"

namespace remote::test {
namespace {

struct Case {
  std::string name;
  std::function<Task()> task;
  Optimizer optimizer;
};

class BitEquality : public testing::TestWithParam<Case> {};

/// Waits are counted where they happen, so that one that creeps in is named.
void expect_no_waits(const TrainingRun& run) {
  EXPECT_EQ(run.later_steps.client.synchronisations, 0u) << run.later_steps;
  EXPECT_EQ(run.later_steps.tiers.asked, 0u) << run.later_steps;
  EXPECT_EQ(run.first_step.tiers.asked, 0u) << "an op of the first step has no shape rule:\n" << run.first_step;
  EXPECT_EQ(run.later_steps.tiers.data_dependent, 0u) << run.later_steps;
  EXPECT_GT(run.later_steps.client.ops, static_cast<uint64_t>(kSteps)) << "the counters count nothing";
}

TEST_P(BitEquality, LossesAndWeightsAreThoseOfPlainLibTorchAndNoStepWaits) {
  at::set_num_threads(1);
  const Task task = GetParam().task();
  const TrainingRun expected = train(task, GetParam().optimizer, torch::kCPU);
  ASSERT_LT(expected.losses.back(), 0.9 * expected.losses.front()) << "nothing was learnt, so nothing is shown";
  for (const auto& carrier : carriers()) {
    SCOPED_TRACE(carrier);
    const Connected connected(carrier);
    const TrainingRun actual = train(task, GetParam().optimizer, remote_device());
    EXPECT_TRUE(same_bits(expected, actual));
    expect_no_waits(actual);
    EXPECT_EQ(worker_stats().storages, 0u) << "the run has left storages on the worker";
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, BitEquality,
    testing::Values(Case{"MlpWithSgd", mlp_task, Optimizer::kSgd}, Case{"MlpWithAdamW", mlp_task, Optimizer::kAdamW},
                    Case{"MlpWithFusedAdamW", mlp_task, Optimizer::kFusedAdamW},
                    Case{"CnnWithSgd", cnn_task, Optimizer::kSgd},
                    Case{"CnnWithFusedSgd", cnn_task, Optimizer::kFusedSgd},
                    Case{"CnnWithFusedAdamW", cnn_task, Optimizer::kFusedAdamW},
                    Case{"GptWithAttentionDropoutAndAdamW", [] { return gpt_task(0.1); }, Optimizer::kAdamW},
                    Case{"GptWithAttentionDropoutAndFusedAdamW", [] { return gpt_task(0.1); }, Optimizer::kFusedAdamW},
                    Case{"GptWithOneOpAttentionAndFusedAdamW", [] { return gpt_task(0); }, Optimizer::kFusedAdamW},
                    Case{"LstmWithAdamW", lstm_task, Optimizer::kAdamW},
                    Case{"LstmWithFusedAdamW", lstm_task, Optimizer::kFusedAdamW}),
    [](const auto& info) { return info.param.name; });

TEST(BitEqualityCheck, TellsRunsApartThatDifferInOneBit) {
  at::set_num_threads(1);
  const TrainingRun run = train(mlp_task(), Optimizer::kSgd, torch::kCPU, 3);
  TrainingRun other = run;
  other.losses[2] = std::nextafter(other.losses[2], 1e9f);
  EXPECT_FALSE(same_bits(run, other));
  other = run;
  auto& weight = other.weights.begin()->second;
  weight = weight.clone();
  weight.view({-1})[0] += 1e-6;
  EXPECT_FALSE(same_bits(run, other));
}

}  // namespace
}  // namespace remote::test
