#include <gmock/gmock.h>

#include "same.h"

namespace remote::test {
namespace {

using amp::AutocastScope, amp::GradScaler;

class Amp : public Conformance, public testing::WithParamInterface<torch::ScalarType> {
 protected:
  torch::Tensor random(torch::IntArrayRef sizes) { return torch::randn(sizes).to(device()); }
};

TEST_P(Amp, MatrixProductsAndConvolutionsRunInTheLowerPrecision) {
  const auto dtype = GetParam();
  const auto x = torch::randn({5, 4}), weight = torch::randn({3, 4}), bias = torch::randn({3});
  const auto image = torch::randn({1, 2, 5, 5}), filter = torch::randn({3, 2, 3, 3});
  const auto lower = [&](const torch::Tensor& tensor) { return tensor.to(dtype); };
  const auto linear = torch::linear(lower(x), lower(weight), lower(bias)),
             product = torch::mm(lower(x), lower(weight).t());
  const auto convolved = torch::conv2d(lower(image), lower(filter));
  const auto there = [](const torch::Tensor& tensor) { return tensor.to(device()); };
  const AutocastScope scope(device(), dtype);
  EXPECT_TRUE(same(linear, torch::linear(there(x), there(weight), there(bias))));
  EXPECT_TRUE(same(product, there(x).mm(there(weight).t())));
  EXPECT_TRUE(same(product, there(x).matmul(there(weight).t())));
  EXPECT_TRUE(same(convolved, torch::conv2d(there(image), there(filter))));
}

TEST_P(Amp, LossesStayInFloat32AndTheWidestDtypeWins) {
  const AutocastScope scope(device(), GetParam());
  const auto lower = random({4}).to(GetParam()), full = random({4});
  EXPECT_EQ(torch::mse_loss(lower, lower).scalar_type(), torch::kFloat);
  EXPECT_EQ(torch::smooth_l1_loss(lower, lower).scalar_type(), torch::kFloat);
  EXPECT_EQ(torch::stack({lower, full}).scalar_type(), torch::kFloat);
  EXPECT_EQ(torch::stack({lower, lower}).scalar_type(), GetParam());
  EXPECT_EQ(lower.relu().scalar_type(), GetParam()) << "what is in no list runs in the dtype that it gets";
  if (on_worker()) {
    EXPECT_EQ(torch::softmax(lower, 0).scalar_type(), torch::kFloat);
    EXPECT_EQ(torch::nn::functional::cross_entropy(lower.unsqueeze(0), torch::tensor({2}).to(device())).scalar_type(),
              torch::kFloat);
    EXPECT_EQ(lower.sum().scalar_type(), torch::kFloat);
    EXPECT_EQ(lower.exp().scalar_type(), torch::kFloat);
    EXPECT_EQ(torch::layer_norm(lower, {4}).scalar_type(), torch::kFloat);
  }
}

TEST_P(Amp, RegionsNestAndEnd) {
  const auto x = random({3, 3});
  {
    const AutocastScope outer(device(), GetParam());
    EXPECT_EQ(x.mm(x).scalar_type(), GetParam());
    {
      const AutocastScope inner(device(), GetParam(), /*enabled=*/false);
      EXPECT_EQ(x.mm(x).scalar_type(), torch::kFloat);
    }
    EXPECT_EQ(x.mm(x).scalar_type(), GetParam());
  }
  EXPECT_EQ(x.mm(x).scalar_type(), torch::kFloat);
}

TEST_P(Amp, AWeightIsCastOnceAPass) {
  if (!on_worker()) GTEST_SKIP() << "the CPU counts no ops";
  const auto x = random({2, 3}).to(GetParam()), weight = random({3, 3}).requires_grad_();
  const AutocastScope scope(device(), GetParam());
  const auto ops_of = [&] {
    const uint64_t before = stats(device()).client.ops;
    x.mm(weight);
    return stats(device()).client.ops - before;
  };
  const uint64_t first = ops_of();
  EXPECT_EQ(ops_of(), first - 1);
}

TEST_P(Amp, TrainingTakesTheSameSteps) {
  const auto losses_on = [](torch::Device where) {
    torch::manual_seed(3);
    torch::nn::Sequential network(torch::nn::Linear(6, 16), torch::nn::ReLU(), torch::nn::Linear(16, 1));
    const auto x = torch::randn({20, 6}).to(where), y = torch::randn({20, 1}).to(where);
    network->to(where);
    torch::optim::SGD optimizer(network->parameters(), 0.05);
    std::vector<torch::Tensor> losses;
    for (int step = 0; step < 5; ++step) {
      optimizer.zero_grad();
      torch::Tensor loss;
      {
        const AutocastScope scope(where, GetParam());
        loss = torch::mse_loss(network->forward(x), y);
      }
      loss.backward();
      for (const auto& parameter : network->parameters()) EXPECT_EQ(parameter.grad().scalar_type(), torch::kFloat);
      optimizer.step();
      losses.push_back(loss.detach().cpu());
    }
    return torch::stack(losses);
  };
  EXPECT_TRUE(same(losses_on(torch::kCPU), losses_on(device())));
}

/// What a module computes, and the sum of its gradients, in float32 on the CPU and under autocast on the device under
/// test.
template <class Holder, class Forward>
void expect_close_under_autocast(Holder module, torch::ScalarType dtype, const torch::Tensor& input, Forward forward) {
  using Module = typename Holder::ContainedType;
  const auto moved = std::dynamic_pointer_cast<Module>(module->clone(device()));
  const auto sum_of_gradients = [](const Module& of) {
    auto sum = torch::zeros({});
    for (const auto& parameter : of.parameters()) {
      EXPECT_EQ(parameter.grad().scalar_type(), torch::kFloat);
      sum += parameter.grad().abs().sum().cpu();
    }
    return sum;
  };
  const torch::Tensor expected = forward(*module, input);
  expected.pow(2).mean().backward();
  torch::Tensor actual;
  {
    const AutocastScope scope(device(), dtype);
    actual = forward(*moved, input.to(device()));
  }
  actual.to(torch::kFloat).pow(2).mean().backward();
  EXPECT_TRUE(torch::allclose(expected, actual.cpu().to(torch::kFloat), 0.05, 0.05)) << expected << actual;
  EXPECT_TRUE(torch::allclose(sum_of_gradients(*module), sum_of_gradients(*moved), 0.1, 0.1));
}

TEST_P(Amp, RecurrentAndAttentionLayersRun) {
  namespace nn = torch::nn;
  const auto x = torch::randn({5, 2, 8});
  const auto first = [](auto& module, const torch::Tensor& input) { return std::get<0>(module.forward(input)); };
  // LibTorch's CPU autocast gives LSTMs to oneDNN in the lower precision, which not every processor has.
  if (on_worker()) expect_close_under_autocast(nn::LSTM(8, 6), GetParam(), x, first);
  expect_close_under_autocast(nn::GRU(8, 6), GetParam(), x, first);
  expect_close_under_autocast(nn::RNN(8, 6), GetParam(), x, first);
  expect_close_under_autocast(
      nn::MultiheadAttention(8, 2), GetParam(), x,
      [](auto& module, const torch::Tensor& input) { return std::get<0>(module.forward(input, input, input)); });
  expect_close_under_autocast(nn::TransformerEncoderLayer(nn::TransformerEncoderLayerOptions(8, 2).dropout(0)),
                              GetParam(), x,
                              [](auto& module, const torch::Tensor& input) { return module.forward(input); });
}

INSTANTIATE_TEST_SUITE_P(Both, Amp, testing::Values(torch::kBFloat16, torch::kHalf),
                         [](const auto& info) { return c10::toString(info.param); });

/// Steps in float16 of which the third one overflows.
struct ScaledTraining {
  explicit ScaledTraining(torch::Device where)
      : where(where), scaler(where, {.growth_interval = 2}), x(torch::linspace(-1, 1, 24).reshape({8, 3}).to(where)) {
    weights = {torch::linspace(-1, 1, 12).reshape({3, 4}).to(where).requires_grad_(),
               torch::linspace(0, 1, 4).reshape({4, 1}).to(where).requires_grad_()};
    optimizer = std::make_unique<remote::optim::SGD>(weights, torch::optim::SGDOptions(0.1).momentum(0.9));
  }
  void step(int number) {
    optimizer->zero_grad();
    torch::Tensor loss;
    {
      const AutocastScope scope(where, torch::kHalf);
      loss = torch::mse_loss(x.mm(weights[0]).tanh().mm(weights[1]), x.slice(1, 0, 1));
    }
    scaler.scale(number == 2 ? loss * 1e30 : loss).backward();
    scaler.step(*optimizer);
    scaler.update();
  }

  torch::Device where;
  GradScaler scaler;
  torch::Tensor x;
  std::vector<torch::Tensor> weights;
  std::unique_ptr<remote::optim::SGD> optimizer;
};

using LossScaling = Conformance;

TEST_F(LossScaling, NeverWaitsAndTakesTheSameSteps) {
  ScaledTraining here(torch::kCPU), there(device());
  for (int step = 0; step < 6; ++step) here.step(step);
  EXPECT_EQ(waits_in([&] {
              for (int step = 0; step < 6; ++step) there.step(step);
            }),
            0u);
  for (size_t i = 0; i < here.weights.size(); ++i)
    EXPECT_TRUE(same(here.weights[i], there.weights[i])) << "weight " << i;
  EXPECT_TRUE(same(here.scaler.current_scale(), there.scaler.current_scale()));
  EXPECT_NE(here.scaler.current_scale().item<float>(), 65536) << "it grew and shrank";
}

TEST_F(LossScaling, AStepThatOverflowsChangesNothingAndHalvesTheScale) {
  ScaledTraining training(device());
  training.step(0);
  const auto before = training.weights[0].detach().clone().cpu();
  const double scale = training.scaler.current_scale().item<double>();
  training.step(2);
  EXPECT_EQ(training.scaler.found_inf(*training.optimizer).item<float>(), 1);
  EXPECT_TRUE(same(before, training.weights[0]));
  EXPECT_EQ(training.scaler.current_scale().item<double>(), scale / 2);
  training.step(3);
  EXPECT_FALSE(torch::equal(before, training.weights[0].detach().cpu()));
}

TEST_F(LossScaling, GradientsCanBeClippedBetweenUnscalingAndTheStep) {
  ScaledTraining training(device());
  const auto loss = [&] { return training.x.mm(training.weights[0]).tanh().mm(training.weights[1]).sum(); };
  const auto expected = torch::autograd::grad({loss()}, {training.weights[0]})[0].cpu();
  training.scaler.scale(loss()).backward();
  training.scaler.unscale(*training.optimizer);
  const auto gradient = training.weights[0].grad();
  EXPECT_TRUE(same(expected, gradient)) << "a power of two leaves no trace";
  gradient.zero_();
  const auto before = training.weights[0].detach().clone();
  training.scaler.step(*training.optimizer);
  training.scaler.update();
  EXPECT_TRUE(same(before.cpu(), training.weights[0]));
}

TEST_F(LossScaling, AGuardOfTheOptimizersOwnHoldsToo) {
  ScaledTraining training(device());
  const auto guard = torch::ones({1}, device());
  training.optimizer->set_found_inf(guard);
  const auto before = training.weights[0].detach().clone();
  training.step(0);
  EXPECT_TRUE(same(before.cpu(), training.weights[0]));
  EXPECT_EQ(training.scaler.found_inf(*training.optimizer).item<float>(), 0) << "no gradient overflowed";
  EXPECT_TRUE(training.optimizer->found_inf().is_same(guard));
}

TEST_F(LossScaling, ItsStateGoesThroughAnArchive) {
  ScaledTraining training(device());
  training.step(2);
  torch::serialize::OutputArchive out;
  training.scaler.save(out);
  std::stringstream file;
  out.save_to(file);
  torch::serialize::InputArchive in;
  in.load_from(file);
  GradScaler loaded(device(), {.init_scale = 8});
  loaded.load(in);
  EXPECT_EQ(loaded.current_scale().item<float>(), 32768);
}

TEST_F(LossScaling, WrongUseIsRefusedAndNamed) {
  ScaledTraining training(device());
  auto& scaler = training.scaler;
  auto& optimizer = *training.optimizer;
  const auto& weights = training.weights;
  EXPECT_THAT(message_of([&] { scaler.step(optimizer); }), testing::HasSubstr("backward()"));
  EXPECT_THAT(message_of([&] { scaler.update(); }), testing::HasSubstr("no gradient was looked at"));
  scaler.scale(weights[0].sum() + weights[1].sum()).backward();
  scaler.unscale(optimizer);
  EXPECT_THAT(message_of([&] { scaler.unscale(optimizer); }), testing::HasSubstr("unscaled already"));
  scaler.step(optimizer);
  EXPECT_THAT(message_of([&] { scaler.step(optimizer); }), testing::HasSubstr("took its step already"));
  EXPECT_THAT(message_of([&] { GradScaler(device(), {.growth_factor = 1}); }), testing::HasSubstr("growth_factor"));
  EXPECT_THAT(message_of([&] { AutocastScope(device(), torch::kDouble); }), testing::HasSubstr("Double"));

  auto half = torch::ones({2}, torch::TensorOptions(device()).dtype(torch::kHalf)).requires_grad_();
  remote::optim::SGD lower({half}, torch::optim::SGDOptions(0.1));
  half.sum().backward();
  EXPECT_THAT(message_of([&] { scaler.unscale(lower); }), testing::HasSubstr("keep the parameters in float32"));
}

TEST_F(LossScaling, BinaryCrossEntropyIsRefusedUnderAutocast) {
  if (!on_worker()) GTEST_SKIP() << "the CPU's autocast runs it in float32";
  const AutocastScope scope(device(), torch::kHalf);
  const auto p = torch::full({2}, 0.5f, device());
  EXPECT_THAT(message_of([&] { torch::binary_cross_entropy(p, p); }),
              testing::HasSubstr("binary_cross_entropy_with_logits"));
  EXPECT_EQ(torch::binary_cross_entropy_with_logits(p, p).scalar_type(), torch::kFloat);
}

}  // namespace
}  // namespace remote::test
