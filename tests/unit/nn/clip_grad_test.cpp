#include <gtest/gtest.h>
#include <torch/torch.h>

#include <limits>

#include <remote/device/runtime.h>
#include <remote/nn/utils/clip_grad.h>

#include "worker.h"

namespace remote::nn::test {
namespace {

std::vector<at::Tensor> parameters_with_gradients(c10::Device device) {
  std::vector<at::Tensor> parameters;
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    auto generator = at::make_generator<at::CPUGeneratorImpl>(seed);
    at::Tensor parameter = at::zeros({4, 3}, at::TensorOptions().device(device)).requires_grad_();
    parameter.mutable_grad() = at::randn({4, 3}, generator, at::TensorOptions(at::kFloat)).to(device);
    parameters.push_back(parameter);
  }
  parameters.push_back(at::zeros({2}, at::TensorOptions().device(device)).requires_grad_());  // without a gradient
  return parameters;
}

class ClipGradNormTest : public ::testing::TestWithParam<double> {};

TEST_P(ClipGradNormTest, AgreesWithTorchAndWaitsForNothing) {
  const auto local = parameters_with_gradients(at::kCPU), remote = parameters_with_gradients(kRemote);
  const double expected = torch::nn::utils::clip_grad_norm_(local, 0.5, GetParam());
  auto& session = device::Runtime::get().session(0);
  const uint64_t before = session.counters().synchronisations;
  const at::Tensor norm = utils::clip_grad_norm_(remote, 0.5, GetParam());
  EXPECT_EQ(session.counters().synchronisations, before);
  EXPECT_EQ(norm.device(), kRemote);
  EXPECT_EQ(norm.dim(), 0);
  EXPECT_NEAR(norm.item<float>(), expected, 1e-5 * expected);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_TRUE(at::allclose(remote[i].grad().cpu(), local[i].grad(), 1e-5, 1e-7)) << i;
  }
  EXPECT_FALSE(remote[3].grad().defined());
}

INSTANTIATE_TEST_SUITE_P(Norms, ClipGradNormTest,
                         ::testing::Values(2.0, 1.0, std::numeric_limits<double>::infinity()));

TEST(ClipGradNormTest, SmallGradientsStayAsTheyAre) {
  const auto parameters = parameters_with_gradients(kRemote);
  const at::Tensor before = parameters[0].grad().cpu();
  utils::clip_grad_norm_(parameters, 1e6);
  EXPECT_TRUE(at::equal(parameters[0].grad().cpu(), before));
}

TEST(ClipGradNormTest, SeveralDevicesHaveOneNorm) {
  auto mixed = parameters_with_gradients(kRemote);
  const auto local = parameters_with_gradients(at::kCPU);
  mixed[2] = local[2];
  const double expected = torch::nn::utils::clip_grad_norm_(parameters_with_gradients(at::kCPU), 0.5);
  EXPECT_NEAR(utils::clip_grad_norm_(mixed, 0.5).item<float>(), expected, 1e-5 * expected);
}

TEST(ClipGradNormTest, WithoutGradientsTheNormIsZero) {
  EXPECT_EQ(utils::clip_grad_norm_({at::zeros({2}).requires_grad_()}, 1.0).item<float>(), 0);
}

TEST(UtilsTest, TorchsHelpersWorkOnTheWorker) {
  const auto parameters = parameters_with_gradients(kRemote);
  utils::clip_grad_value_(parameters, 0.25);
  EXPECT_LE(parameters[0].grad().abs().max().item<float>(), 0.25f);
  const at::Tensor vector = utils::parameters_to_vector(parameters);
  EXPECT_EQ(vector.sizes(), at::IntArrayRef({38}));
  at::NoGradGuard no_grad;
  utils::vector_to_parameters(at::ones_like(vector), parameters);
  EXPECT_EQ(parameters[1].sum().item<float>(), 12);
}

}  // namespace
}  // namespace remote::nn::test
