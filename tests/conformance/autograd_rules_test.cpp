#include <gmock/gmock.h>

#include "same.h"

namespace remote::test {
namespace {

using testing::HasSubstr;
using AutogradRules = Conformance;
using Tensors = std::vector<torch::Tensor>;

torch::Tensor ones_with_grad() {
  return torch::ones({2}, torch::TensorOptions(device())).requires_grad_();
}

TEST_F(AutogradRules, HooksSeeAndChangeGradients) {
  EXPECT_TRUE(computes_the_same({torch::randn({3}).requires_grad_()}, [](const auto& in) {
    torch::Tensor seen;
    auto y = in[0] * 2;
    y.register_hook([&](const torch::Tensor& grad) { return seen = grad.clone(), grad * 10; });
    int calls = 0;
    in[0].register_hook([&](const torch::Tensor&) { ++calls; });
    y.sum().backward();
    EXPECT_EQ(calls, 1);
    return Tensors{seen, in[0].grad()};
  }));
}

TEST_F(AutogradRules, AHookThatWasRemovedIsNotCalled) {
  auto x = ones_with_grad();
  int calls = 0;
  const unsigned hook = x.register_hook([&](const torch::Tensor&) { ++calls; });
  x.register_hook([](const torch::Tensor& grad) { return grad * 3; });
  x.remove_hook(hook);
  x.sum().backward();
  EXPECT_EQ(calls, 0);
  EXPECT_TRUE(same(torch::full({2}, 3.f), x.grad()));
}

TEST_F(AutogradRules, AHookMayReadValuesAndRunOps) {
  auto x = ones_with_grad();
  double seen = 0;
  (x * 4).register_hook([](const torch::Tensor&) {});
  auto y = x * 4;
  y.register_hook([&](const torch::Tensor& grad) {
    seen = grad.sum().item<double>();
    return grad.clamp_max(0.25) + torch::ones_like(grad);
  });
  y.sum().backward();
  EXPECT_EQ(seen, 2);
  EXPECT_TRUE(same(torch::full({2}, 5.f), x.grad()));
}

TEST_F(AutogradRules, AnExceptionInAHookReachesTheCaller) {
  auto x = ones_with_grad();
  auto y = x * 2;
  y.register_hook([](const torch::Tensor&) { throw std::runtime_error("from the hook"); });
  EXPECT_THROW(y.sum().backward(), std::runtime_error);
  (x * 3).sum().backward();
  EXPECT_TRUE(same(torch::full({2}, 3.f), x.grad()));
}

TEST_F(AutogradRules, RetainGradKeepsTheGradientOfWhatIsNoLeaf) {
  EXPECT_TRUE(computes_the_same({torch::randn({3}).requires_grad_()}, [](const auto& in) {
    auto y = in[0].sin(), z = y * y;
    y.retain_grad();
    z.retain_grad();
    EXPECT_TRUE(y.retains_grad());
    z.select(0, 1).mul_(3);  // the gradient is that of the tensor after the change
    z.sum().backward();
    return Tensors{y.grad(), z.grad(), in[0].grad()};
  }));
}

TEST_F(AutogradRules, NoGradAndDetachRecordNoGraph) {
  auto x = ones_with_grad();
  {
    torch::NoGradGuard guard;
    EXPECT_FALSE((x * 2).requires_grad());
    const torch::AutoGradMode again(true);
    EXPECT_TRUE((x * 2).requires_grad());
  }
  EXPECT_FALSE(x.detach().requires_grad());
  EXPECT_TRUE((x * 2).requires_grad());
  auto y = x * 2;
  EXPECT_TRUE(y.detach().is_alias_of(y)) << "detach shares the storage";
  y.detach_();
  EXPECT_TRUE(y.is_leaf());
  EXPECT_FALSE(y.requires_grad());
  EXPECT_TRUE(same(torch::full({2}, 2.f), y));
}

TEST_F(AutogradRules, InferenceModeComputesWithoutVersionsAndItsTensorsStayOutOfGraphs) {
  torch::Tensor made;
  {
    const c10::InferenceMode guard;
    made = torch::ones({3}, torch::TensorOptions(device())) * 2;
    EXPECT_TRUE(made.is_inference());
    EXPECT_TRUE(same(torch::full({3}, 2.f), made.view({3, 1}).squeeze(1)));
    made.add_(1).select(0, 0).zero_();
    torch::nn::Linear layer(3, 2);
    layer->to(device());
    EXPECT_FALSE(layer->forward(made).requires_grad());
    EXPECT_TRUE(same(torch::tensor({0.f, 3.f, 3.f}), torch::view_as_real(torch::complex(made, made)).select(1, 0)));
  }
  EXPECT_TRUE(same(torch::tensor({0.f, 3.f, 3.f}), made));
  auto weight = torch::ones({3}, torch::TensorOptions(device())).requires_grad_();
  EXPECT_THAT(message_of([&] { weight* made; }), HasSubstr("Inference tensors cannot be saved for backward"));
  (weight * made.clone()).sum().backward();
  EXPECT_TRUE(same(torch::tensor({0.f, 3.f, 3.f}), weight.grad()));
  EXPECT_THAT(message_of([&] { made.add_(1); }), HasSubstr("Inplace update to inference tensor"));
}

TEST_F(AutogradRules, AVersionThatBackwardNeedsAndThatWasOverwrittenIsRefused) {
  const auto refused = [](const std::function<void(torch::Tensor&, torch::Tensor&)>& overwrite) {
    auto x = ones_with_grad();
    auto y = x.exp();
    overwrite(x, y);
    return message_of([&] { y.sum().backward(); });
  };
  const char* const text = "has been modified by an inplace operation";
  EXPECT_THAT(refused([](auto&, auto& y) { y.add_(1); }), HasSubstr(text));
  EXPECT_THAT(refused([](auto&, auto& y) { y.select(0, 0).zero_(); }), HasSubstr(text)) << "through a view";
  EXPECT_THAT(refused([](auto&, auto& y) { y.detach().copy_(torch::zeros({2})); }), HasSubstr(text)) << "from the CPU";
  EXPECT_THAT(refused([](auto&, auto& y) { y.index_put_({0}, 3); }), HasSubstr(text));
  EXPECT_THAT(refused([](auto&, auto& y) {
                torch::NoGradGuard guard;
                y.normal_();
              }),
              HasSubstr(text));
  EXPECT_THAT(refused([](auto&, auto& y) { at::_foreach_mul_({y.detach()}, 2); }), HasSubstr(text))
      << "by a foreach op";
}

TEST_F(AutogradRules, VersionsCountChangesInPlace) {
  auto x = torch::ones({4}, torch::TensorOptions(device()));
  EXPECT_EQ(x._version(), 0);
  x.add_(1);
  x.slice(0, 1, 3).zero_();
  EXPECT_EQ(x._version(), 2);
  EXPECT_EQ(x.view({2, 2})._version(), 2) << "views share it";
  EXPECT_EQ(x.clone()._version(), 0);
}

TEST_F(AutogradRules, VersionsCountWhatOpsOnListsChange) {
  const auto versions = [](torch::Device where) {
    std::vector<torch::Tensor> x, other;
    for (int i = 0; i < 3; ++i) x.push_back(torch::ones({2}, where)), other.push_back(torch::full({2}, 2.f, where));
    at::_foreach_add_(x, 1);
    at::_foreach_mul_(x, other);
    at::_foreach_addcdiv_(x, other, other, 0.5);
    at::_foreach_sqrt_(x);
    at::_foreach_zero_(x);
    at::_foreach_copy_(x, other);
    at::_foreach_lerp_(x, other, 0.5);
    at::_foreach_clamp_max_(x, 1);
    std::vector<int64_t> counts;
    for (const auto* list : {&x, &other}) {
      for (const auto& tensor : *list) counts.push_back(tensor._version());
    }
    return counts;
  };
  EXPECT_EQ(versions(torch::kCPU), versions(device()));
}

TEST_F(AutogradRules, LeavesAreProtectedFromChangesInPlace) {
  auto x = ones_with_grad();
  EXPECT_THAT(message_of([&] { x.add_(1); }), HasSubstr("leaf Variable"));
  EXPECT_THAT(message_of([&] { x.select(0, 0).zero_(); }), HasSubstr("leaf Variable"));
  EXPECT_THAT(message_of([&] { torch::mul_out(x, x, x); }), HasSubstr("don't support automatic differentiation"));
  torch::NoGradGuard guard;
  x.add_(1);
  EXPECT_TRUE(same(torch::full({2}, 2.f), x));
}

TEST_F(AutogradRules, AGraphIsWalkedOnceUnlessItIsRetained) {
  auto x = ones_with_grad();
  const auto y = (x * x).sum();
  y.backward({}, /*retain_graph=*/true);
  y.backward();
  EXPECT_TRUE(same(torch::full({2}, 4.f), x.grad()));
  EXPECT_THAT(message_of([&] { y.backward(); }), HasSubstr("a second time"));
}

TEST_F(AutogradRules, AnomalyModeComputesTheSame) {
  const torch::autograd::DetectAnomalyGuard guard;
  EXPECT_TRUE(computes_the_same({torch::randn({3, 4}).requires_grad_(), torch::randn({4}).requires_grad_()},
                                [](const auto& in) {
                                  (in[0].matmul(in[1]).sigmoid() + in[0].select(1, 0)).pow(2).sum().backward();
                                  return Tensors{in[0].grad(), in[1].grad()};
                                }));
}

TEST_F(AutogradRules, AnomalyModeNamesTheFunctionThatMadeANaN) {
  const torch::autograd::DetectAnomalyGuard guard;
  auto x = torch::zeros({2}, torch::TensorOptions(device())).requires_grad_();
  const std::string message = message_of([&] { (x.sqrt() * 0).sum().backward(); });
  EXPECT_THAT(message, HasSubstr("SqrtBackward0"));
  EXPECT_THAT(message, HasSubstr("nan values"));
}

TEST_F(AutogradRules, AnomalyModeMayLeaveNaNsAlone) {
  const torch::autograd::DetectAnomalyGuard guard(/*check_nan=*/false);
  auto x = torch::zeros({2}, torch::TensorOptions(device())).requires_grad_();
  EXPECT_EQ(waits_in([&] { (x.sqrt() * 0).sum().backward(); }), 0u);
  EXPECT_TRUE(x.grad().isnan().all().item<bool>());
}

}  // namespace
}  // namespace remote::test
