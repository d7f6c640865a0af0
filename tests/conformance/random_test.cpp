#include "draws.h"
#include "same.h"

namespace remote::test {
namespace {

/// Draws on the device are those of LibTorch's CPU generator with the same seed, number by number.
using Random = Draws;

TEST_F(Random, FactoriesDrawTheSame) {
  EXPECT_TRUE(draws_the_same({
      [](auto o) { return torch::rand({5, 7}, o); },
      [](auto o) { return torch::randn({3}, o); },
      [](auto o) { return torch::randn({40}, o); },
      [](auto o) { return torch::randint(10, {20}, o.dtype(torch::kLong)); },
      [](auto o) { return torch::randperm(30, o.dtype(torch::kLong)); },
      [](auto o) { return torch::randn({4}, o.dtype(torch::kDouble)); },
      [](auto o) { return torch::rand({4}, o.dtype(torch::kHalf)); },
      [](auto o) { return torch::normal(2.0, 0.5, {6}, std::nullopt, o); },
  }));
}

TEST_F(Random, InitFunctionsDrawTheSame) {
  namespace init = torch::nn::init;
  const auto empty = [](auto o) { return torch::empty({6, 5}, o); };
  EXPECT_TRUE(draws_the_same({
      [&](auto o) { return init::uniform_(empty(o), -2, 2); },
      [&](auto o) { return init::normal_(empty(o), 1, 3); },
      [&](auto o) { return init::xavier_uniform_(empty(o), 1.5); },
      [&](auto o) { return init::xavier_normal_(empty(o)); },
      [&](auto o) { return init::kaiming_uniform_(empty(o), 0.1); },
      [&](auto o) { return init::kaiming_normal_(empty(o), 0, torch::kFanOut, torch::kReLU); },
      [&](auto o) { return init::orthogonal_(empty(o)); },
      [&](auto o) { return init::sparse_(empty(o), 0.5); },
      [&](auto o) { return init::constant_(empty(o), 4); },
      [&](auto o) { return init::eye_(empty(o)); },
      [&](auto o) { return init::dirac_(torch::empty({2, 2, 3}, o)); },
      [&](auto o) { return init::ones_(empty(o)); },
      [&](auto o) { return init::zeros_(empty(o)); },
      [&](auto o) { return torch::rand({2}, o); },
  }));
}

TEST_F(Random, ModulesBornInAScopeAreInitialisedAsOnTheCpu) {
  namespace nn = torch::nn;
  const auto weights = [](torch::Device where) {
    torch::manual_seed(5);
    const DeviceScope scope(where);
    nn::Sequential network(nn::Linear(7, 5), nn::Conv2d(2, 3, 3), nn::Embedding(11, 4), nn::BatchNorm1d(4),
                           nn::LSTM(3, 4), nn::GRU(2, 3), nn::MultiheadAttention(4, 2), nn::Bilinear(2, 3, 4),
                           nn::PReLU());
    return torch::nn::utils::parameters_to_vector(network->parameters());
  };
  const auto there = weights(device());
  EXPECT_EQ(there.device(), device());
  EXPECT_TRUE(same(weights(torch::kCPU), there));
}

TEST_F(Random, DropoutDropsTheSameElementsBothWays) {
  for (const double p : {0.1, 0.3, 0.5, 0.7}) {
    const auto output_and_grad = [&](torch::TensorOptions o) {
      auto x = torch::linspace(-3, 3, 211).to(o.device()).requires_grad_();
      const auto y = torch::dropout(x, p, true);
      (y * y).sum().backward();
      return torch::stack({y.detach(), x.grad()});
    };
    EXPECT_TRUE(draws_the_same({output_and_grad,
                                [&](auto o) { return torch::feature_dropout(torch::ones({3, 4, 5}, o), p, true); },
                                [&](auto o) { return torch::alpha_dropout(torch::ones({30}, o), p, true); },
                                [&](auto o) { return torch::rand({3}, o); }}))
        << "p = " << p;
  }
}

TEST_F(Random, GradientsOfDropoutAgreeInHalfPrecision) {
  for (const auto dtype : {torch::kHalf, torch::kBFloat16}) {
    EXPECT_TRUE(draws_the_same({[&](torch::TensorOptions o) {
      auto x = torch::linspace(-3, 3, 211).to(o.device()).requires_grad_();
      torch::dropout(x.to(dtype), 0.3, true).to(torch::kFloat).pow(2).sum().backward();
      return x.grad();
    }})) << dtype;
  }
}

}  // namespace
}  // namespace remote::test
