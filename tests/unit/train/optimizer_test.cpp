#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include <remote/device/error.h>
#include <remote/train/optimizer.h>
#include <remote/train/state_dict.h>

namespace remote::train {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Make = std::function<std::unique_ptr<Optimizer>(const torch::nn::Module&)>;

template <class Options>
Make maker(Options options) {
  return [options](const torch::nn::Module& module) { return make_optimizer(options, module); };
}

SGDOptions sgd() {
  SGDOptions options;
  options.lr = 0.1;
  options.momentum = 0.9;
  options.weight_decay = 0.01;
  return options;
}

AdamOptions amsgrad() {
  AdamOptions options;
  options.amsgrad = true;
  return options;
}

RMSpropOptions rmsprop() {
  RMSpropOptions options;
  options.momentum = 0.9;
  options.centered = true;
  return options;
}

std::vector<std::pair<const char*, Make>> every_optimizer() {
  return {{"SGD", maker(sgd())},         {"Adam", maker(AdamOptions())},     {"Adam, amsgrad", maker(amsgrad())},
          {"AdamW", maker(AdamWOptions())}, {"RMSprop", maker(rmsprop())}, {"Adagrad", maker(AdagradOptions())}};
}

/// Two layers, so that there are matrices and vectors, the same for the same seed.
torch::nn::Sequential net(uint64_t seed = 1) {
  torch::manual_seed(seed);
  return torch::nn::Sequential(torch::nn::Linear(4, 8), torch::nn::Tanh(), torch::nn::Linear(8, 3));
}

void step(torch::nn::Sequential& module, Optimizer& optimizer, int64_t number, const at::Tensor& found_inf = {}) {
  torch::manual_seed(static_cast<uint64_t>(100 + number));
  const at::Tensor input = torch::randn({16, 4});
  optimizer.zero_grad();
  module->forward(input).square().mean().backward();
  optimizer.step(found_inf);
}

NamedTensors copies(const NamedTensors& tensors) {
  NamedTensors result;
  for (const NamedTensor& entry : tensors) result.push_back({entry.name, entry.tensor.detach().clone()});
  return result;
}

void expect_equal(const NamedTensors& a, const NamedTensors& b) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) EXPECT_TRUE(a[i].tensor.equal(b[i].tensor)) << a[i].name;
}

TEST(OptimizerTest, ContinuingFromItsStateIsBitForBitNeverHavingStopped) {
  for (const auto& [name, make] : every_optimizer()) {
    SCOPED_TRACE(name);
    auto straight = net(), stopped = net();
    auto whole = make(*straight), first = make(*stopped);
    for (int64_t i = 0; i < 6; ++i) step(straight, *whole, i);
    for (int64_t i = 0; i < 3; ++i) step(stopped, *first, i);

    auto resumed = net(99);
    load_state_dict(*resumed, copies(state_dict(*stopped)), "x");
    auto second = make(*resumed);
    second->load_state(copies(first->state()), "x");
    for (int64_t i = 3; i < 6; ++i) step(resumed, *second, i);
    expect_equal(state_dict(*resumed), state_dict(*straight));
    expect_equal(second->state(), whole->state());
  }
}

// Fused kernels round in another order than the ops of torch::optim.
void expect_close(torch::nn::Sequential ours, Optimizer& optimizer, torch::nn::Sequential theirs,
                  torch::optim::Optimizer& reference) {
  for (int64_t i = 0; i < 5; ++i) {
    step(ours, optimizer, i);
    torch::manual_seed(static_cast<uint64_t>(100 + i));
    reference.zero_grad();
    theirs->forward(torch::randn({16, 4})).square().mean().backward();
    reference.step();
  }
  for (size_t i = 0; i < ours->parameters().size(); ++i) {
    EXPECT_TRUE(at::allclose(ours->parameters()[i], theirs->parameters()[i], 1e-6, 1e-7));
  }
}

TEST(OptimizerTest, SGDAgreesWithLibTorchsToTheLastBits) {
  auto ours = net(), theirs = net();
  torch::optim::SGD reference(theirs->parameters(), torch::optim::SGDOptions(0.1).momentum(0.9).weight_decay(0.01));
  expect_close(ours, *make_optimizer(sgd(), *ours), theirs, reference);
}

TEST(OptimizerTest, AdamWAgreesWithLibTorchsToTheLastBits) {
  auto ours = net(), theirs = net();
  torch::optim::AdamW reference(theirs->parameters(), torch::optim::AdamWOptions(1e-3));
  expect_close(ours, *make_optimizer(AdamWOptions(), *ours), theirs, reference);
}

TEST(OptimizerTest, StateHasTheParametersNames) {
  auto module = net();
  auto optimizer = make_optimizer(AdamOptions(), *module);
  step(module, *optimizer, 0);
  std::vector<std::string> names;
  for (const NamedTensor& entry : optimizer->state()) names.push_back(entry.name);
  names.resize(6);
  EXPECT_THAT(names, ElementsAre("0.weight.step", "0.weight.exp_avg", "0.weight.exp_avg_sq", "0.bias.step",
                                 "0.bias.exp_avg", "0.bias.exp_avg_sq"));
}

TEST(OptimizerTest, DecayOfMatricesLeavesVectorsAlone) {
  SGDOptions options;
  options.lr = 1;
  options.weight_decay = 0.5;
  options.decay_matrices_only = true;
  auto module = net();
  const NamedTensors before = copies(state_dict(*module));
  auto optimizer = make_optimizer(options, *module);
  for (const at::Tensor& parameter : optimizer->parameters()) parameter.mutable_grad() = at::zeros_like(parameter);
  optimizer->step({});
  for (size_t i = 0; i < before.size(); ++i) {
    const double kept = before[i].tensor.dim() < 2 ? 1 : 0.5;
    EXPECT_TRUE(state_dict(*module)[i].tensor.equal(before[i].tensor * kept)) << before[i].name;
  }
}

TEST(OptimizerTest, ARateOfZeroChangesNothing) {
  for (const auto& [name, make] : every_optimizer()) {
    auto module = net();
    const NamedTensors before = copies(state_dict(*module));
    auto optimizer = make(*module);
    optimizer->set_lr(0);
    step(module, *optimizer, 0);
    SCOPED_TRACE(name);
    expect_equal(state_dict(*module), before);
  }
}

TEST(OptimizerTest, WhileFoundInfIsOneAStepChangesNothing) {
  const at::Tensor found_inf = at::zeros({1});
  for (const auto& [name, make] : every_optimizer()) {
    SCOPED_TRACE(name);
    auto module = net();
    auto optimizer = make(*module);
    found_inf.zero_();
    step(module, *optimizer, 0, found_inf);
    const NamedTensors weights = copies(state_dict(*module)), state = copies(optimizer->state());
    found_inf.fill_(1);
    step(module, *optimizer, 1, found_inf);
    if (!optimizer->honours_found_inf()) continue;
    expect_equal(state_dict(*module), weights);
    expect_equal(optimizer->state(), state);
  }
}

TEST(OptimizerTest, StateThatDoesNotBelongIsRefusedByName) {
  auto module = net();
  auto optimizer = make_optimizer(AdamOptions(), *module);
  auto fault = [&](const NamedTensors& state) -> std::string {
    try {
      optimizer->load_state(state, "x.safetensors");
      return "nothing";
    } catch (const Error& error) {
      return error.status().message();
    }
  };
  EXPECT_THAT(fault({{"0.weight.momentum_buffer", at::zeros({8, 4})}}), HasSubstr("0.weight.momentum_buffer"));
  EXPECT_THAT(fault({{"0.weight.exp_avg", at::zeros({4})}}),
              HasSubstr("0.weight.exp_avg has the shape [4], expected [8, 4]"));
  EXPECT_THAT(fault({{"0.weight.step", at::zeros({2})}}), HasSubstr("0.weight.step has the shape [2], expected []"));
}

TEST(OptimizerTest, AModelWithNothingToTrainIsAnError) {
  auto module = net();
  for (at::Tensor& parameter : module->parameters()) parameter.requires_grad_(false);
  EXPECT_THROW(make_optimizer(sgd(), *module), Error);
}

}  // namespace
}  // namespace remote::train
