#include <sstream>

#include "same.h"

namespace remote::test {
namespace {

namespace optim = torch::optim;

/// Makes one optimizer for some parameters.
using Make = std::function<std::unique_ptr<optim::Optimizer>(std::vector<torch::Tensor>)>;

struct Case {
  std::string name;
  Make make;
};

template <class Optimizer, class Options>
Case one(const std::string& name, Options options) {
  return {name, [options](std::vector<torch::Tensor> parameters) {
            return std::make_unique<Optimizer>(std::move(parameters), options);
          }};
}

std::vector<Case> all_optimizers() {
  return {one<optim::SGD>("SGD", optim::SGDOptions(0.1).momentum(0.9).nesterov(true).weight_decay(0.01)),
          one<optim::Adam>("Adam", optim::AdamOptions(0.1).amsgrad(true)),
          one<optim::AdamW>("AdamW", optim::AdamWOptions(0.1).weight_decay(0.1)),
          one<optim::RMSprop>("RMSprop", optim::RMSpropOptions(0.1).centered(true).momentum(0.5)),
          one<optim::Adagrad>("Adagrad", optim::AdagradOptions(0.1).lr_decay(0.1)),
          one<remote::optim::SGD>("FusedSGD", optim::SGDOptions(0.1).momentum(0.9)),
          one<remote::optim::Adam>("FusedAdam", optim::AdamOptions(0.1)),
          one<remote::optim::AdamW>("FusedAdamW", optim::AdamWOptions(0.1).weight_decay(0.1))};
}

class Optimizers : public Conformance, public testing::WithParamInterface<Case> {
 protected:
  struct Problem {
    explicit Problem(torch::Device where) {
      const auto make = [&](torch::Tensor values) { return values.to(where).requires_grad_(); };
      parameters = {make(torch::linspace(-1, 1, 12).reshape({3, 4})), make(torch::linspace(0, 2, 4))};
      input = torch::linspace(-2, 2, 15).reshape({5, 3}).to(where);
    }
    torch::Tensor loss() const { return (input.matmul(parameters[0]).tanh() + parameters[1]).pow(2).mean(); }
    void steps(optim::Optimizer& optimizer, int count) const {
      for (int i = 0; i < count; ++i) {
        optimizer.zero_grad();
        loss().backward();
        optimizer.step();
      }
    }

    std::vector<torch::Tensor> parameters;
    torch::Tensor input;
  };
};

TEST_P(Optimizers, TakeTheSameSteps) {
  const Problem here(torch::kCPU), there(device());
  const auto optimizer_here = GetParam().make(here.parameters), optimizer_there = GetParam().make(there.parameters);
  here.steps(*optimizer_here, 12);
  there.steps(*optimizer_there, 12);
  for (size_t i = 0; i < here.parameters.size(); ++i) EXPECT_TRUE(same(here.parameters[i], there.parameters[i]));
}

TEST_P(Optimizers, GoOnAsBeforeAfterSavingAndLoading) {
  const Problem straight(device()), stopped(device());
  const auto one_run = GetParam().make(straight.parameters), first_part = GetParam().make(stopped.parameters);
  straight.steps(*one_run, 8);
  stopped.steps(*first_part, 5);
  std::stringstream file;
  torch::save(*first_part, file);
  const auto second_part = GetParam().make(stopped.parameters);
  torch::load(*second_part, file);
  stopped.steps(*second_part, 3);
  for (size_t i = 0; i < straight.parameters.size(); ++i) {
    EXPECT_TRUE(same(straight.parameters[i].cpu(), stopped.parameters[i]));
  }
}

INSTANTIATE_TEST_SUITE_P(All, Optimizers, testing::ValuesIn(all_optimizers()),
                         [](const auto& info) { return info.param.name; });

class MoreOptimizers : public Conformance {};

TEST_F(MoreOptimizers, LbfgsFindsTheSameMinimum) {
  const auto minimum = [](torch::Device where) {
    auto x = torch::tensor({-1.5f, 2.f}).to(where).requires_grad_();
    optim::LBFGS optimizer({x}, optim::LBFGSOptions(1).max_iter(5));
    optimizer.step([&] {
      optimizer.zero_grad();
      auto loss = (x - torch::tensor({3.f, 1.f}).to(where)).pow(2).sum();
      loss.backward();
      return loss;
    });
    return x.detach();
  };
  EXPECT_TRUE(same(minimum(torch::kCPU), minimum(device())));
}

TEST_F(MoreOptimizers, GradientsAreClippedAlike) {
  const auto clipped = [](torch::Device where) {
    auto x = torch::arange(4.f).to(where).requires_grad_(), y = torch::ones({3}).to(where).requires_grad_();
    (x.pow(2).sum() + (y * 5).sum()).backward();
    const double norm = torch::nn::utils::clip_grad_norm_({x, y}, 1.0);
    return std::vector<torch::Tensor>{torch::tensor(norm), x.grad().cpu(), y.grad().cpu()};
  };
  const auto here = clipped(torch::kCPU), there = clipped(device());
  for (size_t i = 0; i < here.size(); ++i) EXPECT_TRUE(same(here[i], there[i]));
}

TEST_F(MoreOptimizers, ASchedulerChangesTheLearningRateOfTheNextStep) {
  const auto after = [](torch::Device where) {
    auto x = torch::ones({2}).to(where).requires_grad_();
    optim::SGD optimizer({x}, optim::SGDOptions(1.0));
    optim::StepLR schedule(optimizer, 1, 0.5);
    for (int i = 0; i < 3; ++i) {
      optimizer.zero_grad();
      (x * 2).sum().backward();
      optimizer.step();
      schedule.step();
    }
    return x.detach();
  };
  EXPECT_TRUE(same(after(torch::kCPU), after(device())));
}

}  // namespace
}  // namespace remote::test
