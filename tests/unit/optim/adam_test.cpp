#include <remote/optim/adam.h>
#include <remote/optim/adamw.h>

#include <sstream>

#include "problem.h"

namespace remote::optim::test {
namespace {

class AdamTest : public ::testing::TestWithParam<c10::Device> {
 protected:
  template <class Reference, class Fused, class Options>
  void expect_close_to_torch(const Options& options) {
    Problem expected(at::kCPU), actual(GetParam());
    Reference reference(expected.parameters, options);
    Fused fused(actual.parameters, options);
    expected.train(reference, 20);
    actual.train(fused, 20);
    expect_close(actual.values(), expected.values());
  }
};

TEST_P(AdamTest, AdamAgreesWithTorch) {
  expect_close_to_torch<torch::optim::Adam, Adam>(AdamOptions(0.01).betas({0.8, 0.95}));
}
TEST_P(AdamTest, AdamWithWeightDecayAndAmsgradAgreesWithTorch) {
  expect_close_to_torch<torch::optim::Adam, Adam>(AdamOptions(0.01).weight_decay(0.1).amsgrad(true));
}
TEST_P(AdamTest, AdamWAgreesWithTorch) {
  expect_close_to_torch<torch::optim::AdamW, AdamW>(AdamWOptions(0.01).eps(1e-6));
}
TEST_P(AdamTest, AdamWWithWeightDecayAndAmsgradAgreesWithTorch) {
  expect_close_to_torch<torch::optim::AdamW, AdamW>(AdamWOptions(0.01).weight_decay(0.3).amsgrad(true));
}

TEST_P(AdamTest, ParametersThatStepTogetherShareOneCount) {
  Problem problem(GetParam());
  Adam optimizer(problem.parameters);
  problem.train(optimizer, 3);
  const auto step_of = [&](size_t i) {
    return static_cast<AdamParamState&>(*optimizer.state()[problem.parameters[i].unsafeGetTensorImpl()]).step();
  };
  EXPECT_EQ(step_of(0).item<float>(), 3);
  EXPECT_TRUE(step_of(0).is_same(step_of(1)));
  EXPECT_TRUE(step_of(0).is_same(step_of(2)));
}

TEST_P(AdamTest, ParameterWithoutGradientDoesNotCountTheStep) {
  Problem expected(at::kCPU), actual(GetParam());
  torch::optim::Adam reference(expected.parameters, AdamOptions(0.01));
  Adam fused(actual.parameters, AdamOptions(0.01));
  for (Problem* problem : {&expected, &actual}) problem->set_gradients(0, /*first=*/2);
  reference.step();
  fused.step();
  expected.train(reference, 4, 1);
  actual.train(fused, 4, 1);
  expect_close(actual.values(), expected.values());
  const auto& state = *fused.state()[actual.parameters[0].unsafeGetTensorImpl()];
  EXPECT_EQ(static_cast<const AdamParamState&>(state).step().item<float>(), 4);
}

TEST_P(AdamTest, StepStoppedByFoundInfDoesNotCount) {
  Problem guarded(GetParam()), plain(GetParam());
  AdamW with_guard(guarded.parameters), without(plain.parameters);
  const at::Tensor found_inf = at::zeros({1}, at::TensorOptions(at::kFloat).device(GetParam()));
  with_guard.set_found_inf(found_inf);
  guarded.train(with_guard, 2);
  found_inf.fill_(1);
  const auto before = guarded.values();
  guarded.train(with_guard, 2, 70);
  expect_equal(guarded.values(), before);
  found_inf.zero_();
  guarded.train(with_guard, 2, 2);
  plain.train(without, 4);
  expect_equal(guarded.values(), plain.values());
}

TEST_P(AdamTest, SavedStateContinuesBitForBit) {
  Problem straight(GetParam()), first(GetParam()), second(GetParam());
  const auto options = AdamWOptions(0.01).amsgrad(true);
  AdamW uninterrupted(straight.parameters, options);
  straight.train(uninterrupted, 6);

  AdamW saved(first.parameters, options);
  first.train(saved, 3);
  std::stringstream stream;
  torch::save(saved, stream);

  AdamW loaded(second.parameters, AdamWOptions(0.5));
  torch::load(loaded, stream);
  {
    at::NoGradGuard no_grad;
    for (size_t i = 0; i < second.parameters.size(); ++i) second.parameters[i].copy_(first.parameters[i]);
  }
  second.train(loaded, 3, 3);
  expect_equal(second.values(), straight.values());
}

TEST_P(AdamTest, ArchiveOfTorchsAdamIsTaken) {
  Problem theirs(at::kCPU), ours(GetParam());
  torch::optim::Adam saved(theirs.parameters, AdamOptions(0.01));
  theirs.train(saved, 3);
  std::stringstream stream;
  torch::save(saved, stream);

  Adam loaded(ours.parameters);
  torch::load(loaded, stream);
  {
    at::NoGradGuard no_grad;
    for (size_t i = 0; i < ours.parameters.size(); ++i) ours.parameters[i].copy_(theirs.parameters[i]);
  }
  theirs.train(saved, 3, 3);
  ours.train(loaded, 3, 3);
  expect_close(ours.values(), theirs.values());
}

TEST(AdamOptionsTest, OptionsThatMakeNoSenseAreRefused) {
  Problem problem(at::kCPU);
  EXPECT_THROW(Adam(problem.parameters, AdamOptions(-1)), c10::Error);
  EXPECT_THROW(Adam(problem.parameters, AdamOptions(0.1).betas({0.9, 1.0})), c10::Error);
  EXPECT_THROW(AdamW(problem.parameters, AdamWOptions(0.1).eps(-1)), c10::Error);
  EXPECT_THROW(AdamW(problem.parameters, AdamWOptions(0.1).weight_decay(-1)), c10::Error);
}

INSTANTIATE_TEST_SUITE_P(Devices, AdamTest, ::testing::ValuesIn(devices()), device_name);

}  // namespace
}  // namespace remote::optim::test
