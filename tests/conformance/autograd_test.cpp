#include "same.h"

namespace remote::test {
namespace {

using Autograd = Conformance;
using Results = std::vector<torch::Tensor>;

torch::Tensor leaf(torch::IntArrayRef sizes) { return torch::randn(sizes).requires_grad_(); }

TEST_F(Autograd, GradientsAgree) {
  EXPECT_TRUE(computes_the_same({leaf({3, 4}), leaf({4, 2}), leaf({2})}, [](const auto& in) {
    auto out = torch::tanh(in[0].matmul(in[1]) + in[2]);
    out = (out.softmax(1) * out.sigmoid()).sum() + out.pow(2).mean() + out.slice(0, 1).select(1, 0).norm();
    out.backward();
    return Results{out.detach(), in[0].grad(), in[1].grad(), in[2].grad()};
  }));
}

TEST_F(Autograd, GradientsOfLayersAgree) {
  EXPECT_TRUE(computes_the_same({leaf({2, 3, 6, 6}), leaf({4, 3, 3, 3}), leaf({4}), leaf({4})}, [](const auto& in) {
    auto x = torch::conv2d(in[0], in[1], in[2], 1, 1);
    x = torch::batch_norm(x, in[3], in[2], {}, {}, true, 0.1, 1e-5, false).relu();
    x = torch::max_pool2d(x, 2) + torch::adaptive_avg_pool2d(x, {3, 3});
    torch::layer_norm(x, {3, 3}).pow(3).sum().backward();
    return Results{in[0].grad(), in[1].grad(), in[2].grad(), in[3].grad()};
  }));
}

TEST_F(Autograd, AccumulateOverSeveralPasses) {
  EXPECT_TRUE(computes_the_same({leaf({3})}, [](const auto& in) {
    (in[0] * 2).sum().backward();
    (in[0] * in[0]).sum().backward();
    return Results{in[0].grad()};
  }));
}

TEST_F(Autograd, DoubleBackwardAgrees) {
  EXPECT_TRUE(computes_the_same({leaf({3, 3}), leaf({3})}, [](const auto& in) {
    const auto y = (in[0].matmul(in[1]).sigmoid() * in[1]).sum();
    const auto grads = torch::autograd::grad({y}, {in[0], in[1]}, {}, true, /*create_graph=*/true);
    (grads[0].pow(2).sum() + grads[1].pow(3).sum()).backward();
    return Results{grads[0].detach(), grads[1].detach(), in[0].grad(), in[1].grad()};
  }));
}

TEST_F(Autograd, ThroughViewsAndInPlaceOpsAgrees) {
  EXPECT_TRUE(computes_the_same({leaf({4, 4})}, [](const auto& in) {
    auto x = in[0] * 1;
    x.select(0, 0).mul_(3);
    x.slice(1, 0, 2).copy_(x.slice(1, 2, 4) * 2);
    x.index_put_({torch::tensor({1, 1}).to(x.device())}, x[2] * 1, /*accumulate=*/true);
    (x.t().reshape({2, 8}).unfold(1, 3, 2) * x.diagonal().sum()).sum().backward();
    return Results{in[0].grad()};
  }));
}

TEST_F(Autograd, IndexingAndEmbeddingGradientsAgree) {
  EXPECT_TRUE(computes_the_same({leaf({5, 3}), torch::tensor({0, 3, 3, 1})}, [](const auto& in) {
    (torch::embedding(in[0], in[1]).pow(2).sum() + in[0].index({in[1]}).sin().sum() +
     in[0].gather(0, in[1].view({4, 1})).sum())
        .backward();
    return Results{in[0].grad()};
  }));
}

struct Cube : torch::autograd::Function<Cube> {
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& x) {
    context->save_for_backward({x});
    return x * x * x;
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list grads) {
    const auto x = context->get_saved_variables()[0];
    return {grads[0] * 3 * x * x};
  }
};

TEST_F(Autograd, CustomFunctionsWork) {
  EXPECT_TRUE(computes_the_same({leaf({4})}, [](const auto& in) {
    Cube::apply(in[0]).sum().backward();
    return Results{in[0].grad()};
  }));
}

TEST_F(Autograd, CustomFunctionsCanBeDifferentiatedTwice) {
  EXPECT_TRUE(computes_the_same({leaf({4})}, [](const auto& in) {
    const auto first = torch::autograd::grad({Cube::apply(in[0]).sum()}, {in[0]}, {}, true, /*create_graph=*/true)[0];
    first.pow(2).sum().backward();
    return Results{first.detach(), in[0].grad()};
  }));
}

/// Two inputs, two outputs of which one has no gradient, one argument that is no tensor, and one tensor changed in
/// place.
struct ScaleInPlace : torch::autograd::Function<ScaleInPlace> {
  static torch::autograd::variable_list forward(torch::autograd::AutogradContext* context, torch::Tensor x,
                                                const torch::Tensor& scale, double power) {
    context->save_for_backward({scale});
    context->saved_data["power"] = power;
    x.mul_(scale);
    context->mark_dirty({x});
    auto positive = x > 0;
    context->mark_non_differentiable({positive});
    return {x, positive};
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list grads) {
    const auto scale = context->get_saved_variables()[0];
    return {grads[0] * scale.pow(context->saved_data["power"].toDouble()), torch::Tensor(), torch::Tensor()};
  }
};

TEST_F(Autograd, CustomFunctionsChangeTensorsInPlaceAndHaveOutputsWithoutGradient) {
  EXPECT_TRUE(computes_the_same({leaf({4}), torch::tensor({1.f, 2.f, 3.f, 4.f})}, [](const auto& in) {
    auto x = in[0] * 1;
    const auto out = ScaleInPlace::apply(x, in[1], 2.0);
    EXPECT_FALSE(out[1].requires_grad());
    x.sin().sum().backward();
    return Results{x.detach(), out[1], in[0].grad()};
  }));
}

/// Keeps a block's input instead of what the block computes, and runs the block again in the backward pass, with the
/// random numbers of the first time.
struct Checkpoint : torch::autograd::Function<Checkpoint> {
  using Block = torch::Tensor (*)(const torch::Tensor& x, const torch::Tensor& weight);

  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& x,
                               const torch::Tensor& weight, int64_t block) {
    context->save_for_backward({x, weight, at::globalContext().defaultGenerator(x.device()).get_state()});
    context->saved_data["block"] = block;
    return reinterpret_cast<Block>(block)(x, weight);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list grads) {
    const auto saved = context->get_saved_variables();
    auto generator = at::globalContext().defaultGenerator(saved[0].device());
    const auto now = generator.get_state();
    generator.set_state(saved[2]);
    const torch::AutoGradMode with_graph(true);
    const auto x = saved[0].detach().requires_grad_(), weight = saved[1].detach().requires_grad_();
    const auto out = reinterpret_cast<Block>(context->saved_data["block"].toInt())(x, weight);
    generator.set_state(now);
    out.backward(grads[0]);
    return {x.grad(), weight.grad(), torch::Tensor()};
  }
};

torch::Tensor block_with_dropout(const torch::Tensor& x, const torch::Tensor& weight) {
  return torch::dropout(x.matmul(weight).tanh(), 0.3, true).matmul(weight).sigmoid();
}

TEST_F(Autograd, BlocksAreComputedAgainInTheBackwardPass) {
  if (!is_bit_equal()) GTEST_SKIP() << "dropout on CUDA draws other numbers";
  const auto through = [](bool checkpointed) {
    return [checkpointed](const std::vector<torch::Tensor>& in) {
      torch::manual_seed(11);
      auto x = in[0] * 1;
      for (int layer = 0; layer < 3; ++layer) {
        x = checkpointed ? Checkpoint::apply(x, in[1], reinterpret_cast<int64_t>(&block_with_dropout))
                         : block_with_dropout(x, in[1]);
      }
      x.sum().backward();
      return Results{x.detach(), in[0].grad(), in[1].grad()};
    };
  };
  const std::vector<torch::Tensor> inputs = {leaf({3, 4}), leaf({4, 4})};
  EXPECT_TRUE(computes_the_same(inputs, through(true)));
  const auto on_device = [&](const torch::Tensor& from) { return from.detach().to(device()).requires_grad_(); };
  const auto kept = through(false)({on_device(inputs[0]), on_device(inputs[1])});
  const auto again = through(true)({on_device(inputs[0]), on_device(inputs[1])});
  for (size_t i = 0; i < kept.size(); ++i) EXPECT_TRUE(torch::allclose(kept[i].cpu(), again[i].cpu(), 1e-5, 1e-6)) << i;
}

TEST_F(Autograd, DoubleBackwardThroughLayersAgrees) {
  EXPECT_TRUE(computes_the_same({leaf({2, 3, 6, 6}), leaf({4, 3, 3, 3}), leaf({4}), leaf({4})}, [](const auto& in) {
    auto x = torch::batch_norm(torch::conv2d(in[0], in[1], in[2], 1, 1), in[3], in[2], {}, {}, true, 0.1, 1e-5, false);
    x = torch::avg_pool2d(torch::elu(x), 2);
    const auto loss = torch::log_softmax(torch::layer_norm(x, {3, 3}).flatten(1), 1).select(1, 0).neg().mean();
    const auto grads = torch::autograd::grad({loss}, {in[0], in[1]}, {}, true, /*create_graph=*/true);
    (grads[0].norm() + grads[1].pow(2).sum()).backward();  // the penalty of a WGAN
    return Results{grads[0].detach(), grads[1].detach(), in[0].grad(), in[1].grad(), in[3].grad()};
  }));
}

TEST_F(Autograd, GradientsAreTakenForSomeInputsAndForSeveralOutputs) {
  EXPECT_TRUE(computes_the_same({leaf({3}), leaf({3}), leaf({3})}, [](const auto& in) {
    const auto y = in[0] * in[1], z = in[0].exp();
    const auto grads = torch::autograd::grad({y, z}, {in[0], in[2]}, {torch::ones_like(y) * 2, torch::ones_like(z)},
                                             /*retain_graph=*/true, /*create_graph=*/false, /*allow_unused=*/true);
    torch::autograd::backward({y.sum()}, {}, /*retain_graph=*/true, /*create_graph=*/false, {in[1]});
    EXPECT_FALSE(in[0].grad().defined());
    y.backward(torch::ones_like(y));
    return Results{grads[0], grads[1], in[0].grad(), in[1].grad()};
  }));
}

TEST_F(Autograd, GradientsFlowBetweenTheCpuAndTheDevice) {
  auto x = torch::arange(3.f).requires_grad_();
  (x.to(device()).pow(2).cpu() * 2).sum().backward();
  EXPECT_TRUE(x.grad().is_cpu());
  EXPECT_TRUE(same(torch::tensor({0.f, 4.f, 8.f}), x.grad()));
}

TEST_F(Autograd, OpsOnInferenceTensorsOutsideInferenceModeNeedNoGradient) {
  EXPECT_TRUE(computes_the_same({torch::randn({2, 3})}, [](const auto& in) {
    torch::Tensor x;
    {
      const c10::InferenceMode inference;
      x = in[0].clone().set_requires_grad(true);
    }
    const std::vector<torch::Tensor> results = {x * x,   x.mm(x.t()),  x.exp(),    torch::cat({x, x}),
                                                x.sum(), x.softmax(1), x.clamp(0), std::get<0>(x.topk(1))};
    for (const auto& result : results) {
      EXPECT_FALSE(result.requires_grad());
      EXPECT_FALSE(result.is_inference());
    }
    // One that the program has used before is its own, and autograd can't record what is written into it.
    torch::Tensor out = torch::ones_like(in[0]);
    EXPECT_THROW(torch::mul_out(out, x, x), c10::Error);
    const auto leaf = in[0].clone().requires_grad_();
    EXPECT_THROW(torch::mul_out(out, leaf, leaf), c10::Error);
    EXPECT_TRUE((x * leaf.detach()).requires_grad());
    return results;
  }));
}

}  // namespace
}  // namespace remote::test
