// Ops that keep their tape on the worker, as a CUDA worker runs attention and recurrent layers. Recorded here by name,
// so that a CPU worker shows that outputs and gradients are those of the same op under autograd. Recurrent ones are in
// recurrent_test.cpp.
#include <remote/device/ops/taped_ops.h>

#include "same.h"

namespace remote::test {
namespace {

using torch::Tensor;
using Tensors = std::vector<Tensor>;

/// On the CPU as it is, on a worker with a tape.
Tensor attend(const Tensors& in, bool causal = false, bool grouped = false) {
  const auto mask = in.size() > 3 ? std::optional(in[3]) : std::nullopt;
  if (in[0].is_cpu()) {
    return at::scaled_dot_product_attention(in[0], in[1], in[2], mask, 0.0, causal, std::nullopt, grouped);
  }
  return device::record_taped({"aten::scaled_dot_product_attention", ""},
                              {in[0], in[1], in[2], mask, 0.0, causal, c10::IValue(), grouped})
      .value()[0];
}

/// The results, and the gradients of all inputs that get one.
Tensors with_gradients(Tensors results, const Tensors& inputs) {
  Tensor total;
  for (const Tensor& result : results) total = total.defined() ? total + result.pow(2).sum() : result.pow(2).sum();
  total.backward();
  for (Tensor& result : results) result = result.detach().contiguous();
  for (const Tensor& input : inputs) {
    if (input.requires_grad()) results.push_back(input.grad());
  }
  return results;
}

Tensors query_key_value(int64_t key_heads = 4) {
  const auto tensor = [](int64_t heads) { return torch::randn({2, heads, 7, 8}).requires_grad_(); };
  return {tensor(4), tensor(key_heads), tensor(key_heads)};
}

using TapedOps = Conformance;

TEST_F(TapedOps, AttentionComputesTheSame) {
  const auto compute = [](bool causal, bool grouped) {
    return [=](const Tensors& in) { return with_gradients({attend(in, causal, grouped)}, in); };
  };
  EXPECT_TRUE(computes_the_same(query_key_value(), compute(false, false)));
  EXPECT_TRUE(computes_the_same(query_key_value(), compute(/*causal=*/true, false)));
  EXPECT_TRUE(computes_the_same(query_key_value(/*key_heads=*/2), compute(false, /*grouped=*/true)));
  Tensors masked = query_key_value();
  masked.push_back(torch::randn({7, 7}));
  EXPECT_TRUE(computes_the_same(masked, compute(false, false)));
  masked.back().requires_grad_();
  EXPECT_TRUE(computes_the_same(masked, compute(false, false))) << "a mask that needs a gradient";
  masked.back() = torch::ones({7, 7}, torch::kBool).tril();
  EXPECT_TRUE(computes_the_same(masked, compute(false, false))) << "a mask of bools";
}

TEST_F(TapedOps, GiveGradientsToThoseThatNeedThem) {
  Tensors inputs = query_key_value();
  inputs[1].set_requires_grad(false);
  EXPECT_TRUE(computes_the_same(inputs, [](const Tensors& in) { return with_gradients({attend(in)}, in); }));
}

TEST_F(TapedOps, KeepNoTapeWithoutGradients) {
  Tensors inputs;
  for (const Tensor& input : query_key_value()) inputs.push_back(input.detach().to(device()).requires_grad_());
  const auto expected = attend(inputs);
  EXPECT_TRUE(expected.requires_grad());
  {
    const torch::NoGradGuard no_grad;
    const auto result = attend(inputs);
    EXPECT_FALSE(result.requires_grad());
    EXPECT_TRUE(same(expected, result));
  }
  const torch::InferenceMode inference;
  EXPECT_TRUE(same(expected, attend(inputs)));
}

TEST_F(TapedOps, TapesEndWithTheirGraph) {
  if (!on_worker()) GTEST_SKIP() << "LibTorch's CPU keeps no tapes elsewhere";
  Tensors inputs;
  for (const Tensor& input : query_key_value()) inputs.push_back(input.detach().to(device()).requires_grad_());
  const auto storages = [] { return worker_stats().storages; };
  const auto before = storages();
  auto result = attend(inputs);
  EXPECT_EQ(storages(), before + 2) << "the result and the tape";
  const auto loss = result.sum();
  loss.backward({}, /*retain_graph=*/true);
  const auto once = inputs[0].grad().clone();
  EXPECT_EQ(storages(), before + 3 + 4) << "a loss, three gradients and the copy of one beside them";
  loss.backward();
  EXPECT_EQ(storages(), before + 2 + 4) << "the tape is gone";
  EXPECT_TRUE(same(2 * once, inputs[0].grad()));
  EXPECT_NE(message_of([&] { loss.backward(); }).find("a second time"), std::string::npos);
}

TEST_F(TapedOps, NoticeInputsThatHaveChanged) {
  Tensors inputs;
  for (const Tensor& input : query_key_value()) inputs.push_back(input.detach().to(device()).requires_grad_());
  const auto loss = attend(inputs).sum();
  {
    const torch::NoGradGuard no_grad;
    inputs[1].add_(1);
  }
  EXPECT_NE(message_of([&] { loss.backward(); }).find("modified by an inplace operation"), std::string::npos);
}

TEST_F(TapedOps, HaveNoSecondDerivative) {
  if (!on_worker()) GTEST_SKIP() << "LibTorch's CPU has a text of its own";
  Tensors inputs;
  for (const Tensor& input : query_key_value()) inputs.push_back(input.detach().to(device()).requires_grad_());
  const auto gradient = torch::autograd::grad({attend(inputs).sum()}, {inputs[0]}, {}, /*retain_graph=*/true,
                                              /*create_graph=*/true)[0];
  EXPECT_TRUE(gradient.requires_grad());
  EXPECT_NE(message_of([&] { gradient.sum().backward(); }).find("setSDPUseFlash(false)"), std::string::npos);
}

}  // namespace
}  // namespace remote::test
