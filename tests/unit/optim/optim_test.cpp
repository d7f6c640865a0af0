// What the fused optimizers have in common, by the example of one of them.
#include <remote/optim/optim.h>

#include "problem.h"

namespace remote::optim::test {
namespace {

class FusedOptimizerTest : public ::testing::TestWithParam<c10::Device> {};

TEST_P(FusedOptimizerTest, ClosureRunsWithGradientsAndItsLossIsReturned) {
  at::Tensor weight = at::full({2}, 3.0, at::TensorOptions().device(GetParam())).requires_grad_();
  SGD optimizer({weight}, SGDOptions(0.5));
  at::NoGradGuard no_grad;
  const at::Tensor loss = optimizer.step([&] {
    optimizer.zero_grad();
    at::Tensor result = weight.square().sum();
    result.backward();
    return result;
  });
  EXPECT_EQ(loss.item<float>(), 18);
  EXPECT_EQ(weight.sum().item<float>(), 0);  // 3 - 0.5 * 6
}

TEST_P(FusedOptimizerTest, GroupsHaveTheirOwnOptionsAndInheritTheRest) {
  Problem expected(at::kCPU), actual(GetParam());
  auto groups = [](const Problem& problem) {
    std::vector<torch::optim::OptimizerParamGroup> result;
    result.emplace_back(std::vector<at::Tensor>{problem.parameters[0]}, std::make_unique<SGDOptions>(SGDOptions(0.5)));
    result.emplace_back(std::vector<at::Tensor>{problem.parameters[1], problem.parameters[2]});
    return result;
  };
  torch::optim::SGD reference(groups(expected), SGDOptions(0.1).momentum(0.9));
  SGD fused(groups(actual), SGDOptions(0.1).momentum(0.9));
  expected.train(reference, 3);
  actual.train(fused, 3);
  expect_close(actual.values(), expected.values());
}

TEST_P(FusedOptimizerTest, LearningRateFollowsTheGroupsOptions) {
  Problem problem(GetParam());
  SGD optimizer(problem.parameters, SGDOptions(0.1));
  optimizer.param_groups()[0].options().set_lr(0);
  const auto before = problem.values();
  problem.train(optimizer, 1);
  expect_equal(problem.values(), before);
}

TEST_P(FusedOptimizerTest, ParametersOfSeveralDtypesAndDevicesStepTogether) {
  Problem floats(GetParam()), doubles(GetParam(), at::kDouble), local(at::kCPU);
  Problem reference_floats(at::kCPU), reference_doubles(at::kCPU, at::kDouble), reference_local(at::kCPU);
  auto all = [](std::initializer_list<const Problem*> problems) {
    std::vector<at::Tensor> parameters;
    for (const Problem* problem : problems) {
      parameters.insert(parameters.end(), problem->parameters.begin(), problem->parameters.end());
    }
    return parameters;
  };
  SGD fused(all({&floats, &doubles, &local}), SGDOptions(0.1).momentum(0.9));
  torch::optim::SGD reference(all({&reference_floats, &reference_doubles, &reference_local}),
                              SGDOptions(0.1).momentum(0.9));
  for (int step = 0; step < 3; ++step) {
    for (Problem* problem : {&floats, &doubles, &local, &reference_floats, &reference_doubles, &reference_local}) {
      problem->set_gradients(step);
    }
    fused.step();
    reference.step();
  }
  expect_close(floats.values(), reference_floats.values());
  expect_close(doubles.values(), reference_doubles.values());
  expect_close(local.values(), reference_local.values());
}

TEST_P(FusedOptimizerTest, LayoutsOfParametersAndGradientsMayDiffer) {
  const auto options = at::TensorOptions().device(GetParam());
  const at::Tensor base = at::arange(24, options.dtype(at::kFloat)).view({4, 6});
  at::Tensor transposed = base.clone().t().requires_grad_();                        // dense, not row-major
  at::Tensor strided = base.clone().slice(1, 0, 6, 2).detach().requires_grad_();    // not dense
  const at::Tensor before_transposed = transposed.detach().clone(), before_strided = strided.detach().clone();
  transposed.mutable_grad() = at::arange(24, options.dtype(at::kFloat)).view({6, 4});
  strided.mutable_grad() = at::ones({1}, options).expand({4, 3});
  SGD optimizer({transposed, strided}, SGDOptions(1.0).momentum(0.5));
  optimizer.step();
  EXPECT_TRUE(at::equal((before_transposed - transposed.grad()).cpu(), transposed.detach().cpu()));
  EXPECT_TRUE(at::equal((before_strided - 1).cpu(), strided.detach().cpu()));
}

TEST_P(FusedOptimizerTest, StateOfAnotherLayoutIsLaidOutAsItsParameter) {
  const auto start = at::arange(2 * 3 * 4 * 5, at::kFloat).reshape({2, 3, 4, 5}).div(60).sub(1);
  const auto step = [](auto& optimizer, const at::Tensor& parameter) {
    parameter.mutable_grad() = at::linspace(-1, 1, parameter.numel()).reshape(parameter.sizes()).to(parameter.device());
    optimizer.step();
  };
  const auto check = [&]<class Optimizer>(std::type_identity<Optimizer>, auto options) {
    // Saved from a row-major parameter, loaded for one in channels-last.
    at::Tensor straight = start.to(GetParam()).clone().requires_grad_(),
               first = straight.detach().clone().requires_grad_();
    Optimizer uninterrupted({straight}, options), saved({first}, options);
    for (int i = 0; i < 2; ++i) step(uninterrupted, straight);
    step(saved, first);
    std::stringstream stream;
    torch::save(saved, stream);
    at::Tensor second = first.detach().contiguous(at::MemoryFormat::ChannelsLast).requires_grad_();
    Optimizer loaded({second}, options);
    torch::load(loaded, stream);
    step(loaded, second);
    EXPECT_TRUE(straight.detach().cpu().allclose(second.detach().cpu(), 1e-6, 1e-7));
  };
  check(std::type_identity<Adam>(), AdamOptions(0.1).amsgrad(true));
  check(std::type_identity<AdamW>(), AdamWOptions(0.1));
  check(std::type_identity<SGD>(), SGDOptions(0.1).momentum(0.9));
}

TEST_P(FusedOptimizerTest, FoundInfOfAnotherKindIsRefused) {
  Problem problem(GetParam());
  AdamW optimizer(problem.parameters);
  EXPECT_THROW(optimizer.set_found_inf(at::zeros({2}, at::TensorOptions().device(GetParam()))), c10::Error);
  EXPECT_THROW(optimizer.set_found_inf(at::zeros({1}, at::TensorOptions(at::kDouble).device(GetParam()))), c10::Error);
  optimizer.set_found_inf(at::Tensor());
}

TEST(FusedOptimizerErrorTest, SparseGradientIsRefusedWithAdvice) {
  at::Tensor weight = at::zeros({4, 2}).requires_grad_();
  weight.mutable_grad() = at::ones({4, 2}).to_sparse();
  SGD optimizer({weight}, SGDOptions(0.1));
  try {
    optimizer.step();
    FAIL() << "a sparse gradient was taken";
  } catch (const c10::Error& error) {
    EXPECT_NE(std::string(error.what()).find("sparse. Use an optimizer of torch::optim"), std::string::npos)
        << error.what();
  }
}

INSTANTIATE_TEST_SUITE_P(Devices, FusedOptimizerTest, ::testing::ValuesIn(devices()), device_name);

}  // namespace
}  // namespace remote::optim::test
