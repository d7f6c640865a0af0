#include <remote/optim/sgd.h>

#include "problem.h"

namespace remote::optim::test {
namespace {

class SGDTest : public ::testing::TestWithParam<c10::Device> {
 protected:
  /// Bit-equal where whole registers are worked on. The kernel's loop over the rest of a tensor is compiled with fused
  /// multiply-add, which rounds once less.
  void expect_equal_to_torch(const SGDOptions& options) {
    for (const Shapes& shapes : {kEvenShapes, kOddShapes}) {
      Problem expected(at::kCPU, at::kFloat, shapes), actual(GetParam(), at::kFloat, shapes);
      torch::optim::SGD reference(expected.parameters, options);
      SGD fused(actual.parameters, options);
      expected.train(reference, 6);
      actual.train(fused, 6);
      if (shapes == kEvenShapes) expect_equal(actual.values(), expected.values());
      else expect_close(actual.values(), expected.values());
    }
  }
};

TEST_P(SGDTest, PlainStepIsBitEqualToTorchInWholeRegisters) { expect_equal_to_torch(SGDOptions(0.1)); }
TEST_P(SGDTest, MomentumIsBitEqualToTorchInWholeRegisters) { expect_equal_to_torch(SGDOptions(0.1).momentum(0.9)); }
TEST_P(SGDTest, DampeningIsBitEqualToTorchInWholeRegisters) {
  expect_equal_to_torch(SGDOptions(0.1).momentum(0.9).dampening(0.25));
}
TEST_P(SGDTest, NesterovIsBitEqualToTorchInWholeRegisters) {
  expect_equal_to_torch(SGDOptions(0.1).momentum(0.9).nesterov(true));
}
TEST_P(SGDTest, WeightDecayIsBitEqualToTorchInWholeRegisters) {
  expect_equal_to_torch(SGDOptions(0.1).momentum(0.8).weight_decay(0.02));
}

TEST_P(SGDTest, MomentumOfAParameterStartsAtItsOwnFirstStep) {
  const auto options = SGDOptions(0.1).momentum(0.9).dampening(0.5);
  Problem expected(at::kCPU, at::kFloat, kEvenShapes), actual(GetParam(), at::kFloat, kEvenShapes);
  torch::optim::SGD reference(expected.parameters, options);
  SGD fused(actual.parameters, options);
  for (Problem* problem : {&expected, &actual}) problem->set_gradients(0, /*first=*/1);
  reference.step();
  fused.step();
  expected.train(reference, 3, 1);
  actual.train(fused, 3, 1);
  expect_equal(actual.values(), expected.values());
}

TEST_P(SGDTest, BFloat16ParametersAreUpdatedAndRoundedOnce) {
  Problem problem(GetParam(), at::kBFloat16);
  SGD optimizer(problem.parameters, SGDOptions(0.25));
  const auto before = problem.values();
  problem.set_gradients(0);
  optimizer.step();
  const auto after = problem.values();
  for (size_t i = 0; i < before.size(); ++i) {
    const at::Tensor gradient = problem.parameters[i].grad().cpu().to(at::kFloat);
    const at::Tensor expected = (before[i].to(at::kFloat) - 0.25 * gradient).to(at::kBFloat16);
    EXPECT_TRUE(at::equal(after[i], expected)) << after[i] << expected;
  }
}

TEST_P(SGDTest, FirstStepStoppedByFoundInfLeavesMomentumAsIfItHadNotBeen) {
  Problem expected(at::kCPU, at::kFloat, kEvenShapes), actual(GetParam(), at::kFloat, kEvenShapes);
  torch::optim::SGD reference(expected.parameters, SGDOptions(0.1).momentum(0.9));
  SGD fused(actual.parameters, SGDOptions(0.1).momentum(0.9));
  const at::Tensor found_inf = at::ones({1}, at::TensorOptions(at::kFloat).device(GetParam()));
  fused.set_found_inf(found_inf);
  actual.train(fused, 1, 50);
  found_inf.zero_();
  actual.train(fused, 3);
  expected.train(reference, 3);
  expect_equal(actual.values(), expected.values());
}

TEST(SGDOptionsTest, OptionsThatMakeNoSenseAreRefused) {
  Problem problem(at::kCPU);
  EXPECT_THROW(SGD(problem.parameters, SGDOptions(-1)), c10::Error);
  EXPECT_THROW(SGD(problem.parameters, SGDOptions(0.1).momentum(-0.1)), c10::Error);
  EXPECT_THROW(SGD(problem.parameters, SGDOptions(0.1).nesterov(true)), c10::Error);
  EXPECT_THROW(SGD(problem.parameters, SGDOptions(0.1).weight_decay(-1)), c10::Error);
}

INSTANTIATE_TEST_SUITE_P(Devices, SGDTest, ::testing::ValuesIn(devices()), device_name);

}  // namespace
}  // namespace remote::optim::test
