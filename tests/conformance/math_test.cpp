#include <gmock/gmock.h>

#include "same.h"

namespace remote::test {
namespace {

namespace F = torch::nn::functional;
using Math = Conformance;
using Results = std::vector<torch::Tensor>;

TEST_F(Math, ElementwiseOpsAgree) {
  EXPECT_TRUE(computes_the_same({torch::randn({3, 4}), torch::rand({4}) + 0.5}, [](const auto& in) {
    const auto &x = in[0], &y = in[1];
    return Results{x + y,      x - 2,       3 / y,           x * x,          x.abs().sqrt(),    x.exp(),     x.tanh(),
                   x.sigmoid(), x.relu(),   F::gelu(x),      torch::silu(x), x.clamp(-0.5, 0.5), x.pow(2),   y.log(),
                   x.sign(),   x.floor(),   torch::atan2(x, y), x.fmod(0.3), x.remainder(y),    x.lerp(x * 2, 0.25),
                   x.erf(),    torch::hypot(x, y), x.round(), torch::addcmul(x, x, y, 0.5), torch::addcdiv(x, x, y, 2)};
  }));
}

TEST_F(Math, InPlaceOpsAgree) {
  EXPECT_TRUE(computes_the_same({torch::randn({3, 4}), torch::rand({4})}, [](const auto& in) {
    auto x = in[0];
    x.add_(in[1], 2).mul_(0.5).sub_(1).div_(in[1] + 1).exp_().clamp_max_(3).sqrt_().neg_().addcmul_(in[0], in[1], 0.1);
    x.relu_().add_(1).log_().sigmoid_();
    return Results{x};
  }));
}

TEST_F(Math, ComparisonsAndLogicAgree) {
  EXPECT_TRUE(computes_the_same({torch::arange(6).reshape({2, 3}), torch::tensor({1, 1, 4})}, [](const auto& in) {
    const auto &x = in[0], &y = in[1];
    return Results{x < y, x >= 2, x.eq(y), x.ne(3), torch::logical_and(x > 1, y < 3), ~(x > 2), (x > 1) ^ (y > 1),
                   torch::maximum(x, y), torch::isnan(x.to(torch::kFloat) / 0), (x > 1).any(), (x > -1).all(0)};
  }));
}

TEST_F(Math, NumbersAndZeroDimensionalTensorsPromoteAsOnTheCpu) {
  const auto half = torch::tensor({1.5f}).to(torch::kHalf);
  EXPECT_TRUE(computes_the_same({torch::tensor({1, 2}), torch::tensor(2.5), half}, [](const auto& in) {
    return Results{in[0] + 1,     in[0] + 1.5,       in[0] * in[1], in[2] + 1.5,
                   in[2] + in[1], in[0] + in[1] * 2, in[0] / 2,     in[0] / in[0],
                   in[2] * in[0], in[0].add(2.5, 2), in[0] + torch::tensor(0.5, torch::kDouble)};
  }));
}

TEST_F(Math, ReductionsAgree) {
  EXPECT_TRUE(computes_the_same({torch::randn({4, 5, 6})}, [](const auto& in) {
    const auto& x = in[0];
    const auto [largest, where] = x.max(1);
    const auto [variance, mean] = torch::var_mean(x, 0);
    const auto [median, median_index] = x.median(2);
    return Results{x.sum(), x.sum({0, 2}), x.mean(1, /*keepdim=*/true), x.var(), x.std(1), x.prod(0), x.amax({0, 1}),
                   x.min(), largest, where, variance, mean, median, median_index, x.norm(), x.norm(1, 0), x.argmin(1),
                   x.cumsum(1), x.logsumexp(2), x.cumprod(0), x.count_nonzero(), torch::logcumsumexp(x, 0),
                   x.sum(torch::kDouble), x.softmax(1), x.log_softmax(0), x.diff(), x.flip({0, 1}), x.roll(2, 1)};
  }));
}

TEST_F(Math, MatrixProductsAgree) {
  EXPECT_TRUE(computes_the_same(
      {torch::randn({4, 5}), torch::randn({5, 3}), torch::randn({2, 4, 5}), torch::randn({5})}, [](const auto& in) {
        const auto &a = in[0], &b = in[1], &batch = in[2], &v = in[3];
        return Results{a.mm(b),
                       a.matmul(v),
                       v.dot(v),
                       batch.matmul(b),
                       batch.bmm(batch.transpose(1, 2)),
                       torch::addmm(b.slice(0, 0, 4), a, b),
                       torch::einsum("bij,kj->bik", {batch, a}),
                       a.t().mm(a),
                       torch::outer(v, v),
                       F::linear(batch, b.t()),
                       a.matmul(b).trace(),
                       torch::baddbmm(batch.matmul(b), batch, b.expand({2, 5, 3})),
                       torch::tensordot(a, b, {1}, {0})};
      }));
}

TEST_F(Math, ProductsOfEmptyMatricesHaveTheSizeOfWhatTheyAreAddedTo) {
  for (const int64_t rows : {0, 3}) {
    for (const auto& sizes : {std::vector<int64_t>{}, std::vector<int64_t>{1}, std::vector<int64_t>{rows}}) {
      for (const int beta : {0, 1, 2}) {
        SCOPED_TRACE(testing::Message() << rows << " rows, self of " << sizes.size() << " dimensions, beta " << beta);
        EXPECT_TRUE(computes_the_same({torch::ones(sizes), torch::ones({rows, 3 - rows}), torch::ones({3 - rows})},
                                      [&](const auto& in) {
                                        auto out = torch::empty({rows}, in[0].options());
                                        torch::addmv_out(out, in[0], in[1], in[2], beta);
                                        return Results{torch::addmv(in[0], in[1], in[2], beta), out};
                                      }));
      }
    }
  }
}

TEST_F(Math, JoiningAndRearrangingAgree) {
  EXPECT_TRUE(computes_the_same({torch::arange(6.f).reshape({2, 3}), torch::arange(3.f)}, [](const auto& in) {
    const auto &x = in[0], &y = in[1];
    return Results{torch::cat({x, x}, 1),
                   torch::stack({y, y, y}),
                   torch::vstack({x, y}),
                   x.repeat({2, 1}),
                   y.repeat_interleave(2),
                   torch::meshgrid({y, y}, "ij")[1].contiguous(),
                   x.tril(),
                   x.triu(1),
                   x.rot90(),
                   torch::cartesian_prod({y, y}),
                   F::pad(x, F::PadFuncOptions({1, 2})),
                   torch::block_diag({x, x}),
                   F::one_hot(y.to(torch::kLong), 4),
                   torch::kron(x, x),
                   y.diag()};
  }));
}

TEST_F(Math, LossesAgree) {
  const auto labels = torch::tensor({0, 3, 1, 2, 2, 0});
  EXPECT_TRUE(computes_the_same({torch::randn({6, 4}), torch::rand({6, 4}), labels}, [](const auto& in) {
    const auto &x = in[0], &p = in[1], &labels = in[2];
    const auto smooth = F::CrossEntropyFuncOptions().label_smoothing(0.1);
    const auto weighted = F::CrossEntropyFuncOptions().weight(p[0]).ignore_index(2).reduction(torch::kSum);
    return Results{F::cross_entropy(x, labels),
                   F::cross_entropy(x, labels, smooth),
                   F::cross_entropy(x, labels, weighted),
                   F::mse_loss(x, p),
                   F::l1_loss(x, p),
                   F::smooth_l1_loss(x, p),
                   F::huber_loss(x, p),
                   F::binary_cross_entropy(p, p),
                   F::binary_cross_entropy_with_logits(x, p),
                   F::kl_div(x.log_softmax(1), p.softmax(1), F::KLDivFuncOptions(torch::kBatchMean)),
                   F::nll_loss(x.log_softmax(1), labels),
                   F::cosine_similarity(x, p),
                   F::soft_margin_loss(x, p.sign()),
                   F::poisson_nll_loss(x, p),
                   F::multi_margin_loss(x, labels),
                   F::cosine_embedding_loss(x, p, p.select(1, 0).sign())};
  }));
}

TEST_F(Math, LossesHoldNoMoreMemoryThanTheirValue) {
  const auto x = torch::randn({50, 4}).to(device()), y = torch::rand({50, 4}).to(device());
  EXPECT_EQ(F::cross_entropy(x, y).storage().nbytes(), 4u);
  if (!on_worker()) GTEST_SKIP() << "LibTorch keeps room for the elements in the loss";
  EXPECT_EQ(F::mse_loss(x, y).storage().nbytes(), 4u);
  EXPECT_EQ(F::smooth_l1_loss(x, y).storage().nbytes(), 4u);
}

TEST_F(Math, LayersAgree) {
  const auto images = torch::randn({2, 3, 8, 8}), kernels = torch::randn({4, 3, 3, 3}), scale = torch::rand({3});
  EXPECT_TRUE(computes_the_same({images, kernels, scale}, [](const auto& in) {
    const auto &x = in[0], &w = in[1], &s = in[2];
    auto mean = torch::zeros({3}, x.options()), variance = torch::ones({3}, x.options());
    const auto batch_norm = torch::batch_norm(x, s, s, mean, variance, true, 0.1, 1e-5, false);
    return Results{
        F::conv2d(x, w, F::Conv2dFuncOptions().padding(1).stride(2)),
        F::conv_transpose2d(x, w.transpose(0, 1).contiguous()),
        F::max_pool2d(x, F::MaxPool2dFuncOptions(2)),
        F::avg_pool2d(x, F::AvgPool2dFuncOptions(2)),
        F::adaptive_avg_pool2d(x, F::AdaptiveAvgPool2dFuncOptions(3)),
        batch_norm,
        mean,
        variance,
        torch::batch_norm(x, s, s, mean, variance, false, 0.1, 1e-5, false),
        F::layer_norm(x, F::LayerNormFuncOptions({8})),
        F::group_norm(x, F::GroupNormFuncOptions(3)),
        F::interpolate(x, F::InterpolateFuncOptions().scale_factor(std::vector<double>{2, 2}).mode(torch::kNearest)),
        F::embedding(torch::tensor({{1, 0}}, x.device()), w.reshape({4, 27})),
        at::scaled_dot_product_attention(x, x, x),
        at::scaled_dot_product_attention(x, x, x, {}, 0, true)};
  }));
}

TEST_F(Math, AttentionWithFewerHeadsOfKeysAgrees) {
  EXPECT_TRUE(computes_the_same(
      {torch::randn({2, 4, 7, 8}), torch::randn({2, 2, 5, 8}), torch::randn({2, 2, 5, 8})}, [](const auto& in) {
        auto q = in[0].clone().requires_grad_(), k = in[1].clone().requires_grad_();
        const auto out = at::scaled_dot_product_attention(q, k, in[2], {}, 0, false, std::nullopt, /*enable_gqa=*/true);
        out.pow(2).sum().backward();
        return Results{out.detach(), q.grad(), k.grad()};
      }));
}

TEST_F(Math, AnglesOfComplexNumbersLieAsOnTheCpu) {
  EXPECT_TRUE(
      computes_the_same({torch::randn({2, 3, 4}, torch::kComplexFloat), torch::randn({2, 3, 4})}, [](const auto& in) {
        return Results{in[0].transpose(1, 2).angle(), in[1].transpose(1, 2).angle()};
      }));
}

TEST_F(Math, LayersKeepChannelsLast) {
  const auto images = torch::randn({2, 3, 8, 8}).contiguous(torch::MemoryFormat::ChannelsLast);
  EXPECT_TRUE(computes_the_same({images, torch::randn({4, 3, 3, 3}), torch::rand({4})}, [](const auto& in) {
    const auto convolved = F::conv2d(in[0], in[1]);
    return Results{convolved, convolved.relu(), F::max_pool2d(convolved, F::MaxPool2dFuncOptions(2)), convolved + 1,
                   torch::batch_norm(convolved, in[2], in[2], {}, {}, true, 0.1, 1e-5, false)};
  }));
}

TEST_F(Math, PaddingAndPixelShufflesKeepChannelsLast) {
  const auto image = torch::randn({2, 4, 6, 4}).contiguous(torch::MemoryFormat::ChannelsLast).requires_grad_();
  const auto volume = torch::randn({2, 4, 4, 6, 4}).contiguous(torch::MemoryFormat::ChannelsLast3d).requires_grad_();
  EXPECT_TRUE(computes_the_same({image, volume}, [](const auto& in) {
    const auto &image = in[0], &volume = in[1];
    Results results{torch::pixel_shuffle(image, 2),
                    torch::pixel_unshuffle(image, 2),
                    torch::pixel_shuffle(image.contiguous()[0], 2),
                    torch::reflection_pad2d(image, {1, 2, 0, 1}),
                    torch::replication_pad2d(image, {1, 1, -1, 1}),
                    torch::reflection_pad3d(volume, {1, 2, 0, 1, 1, 1}),
                    torch::replication_pad3d(volume, {1, 2, 0, 1, -1, 1}),
                    torch::replication_pad3d(volume.contiguous()[0], {1, 2, 0, 1, 1, 1})};
    torch::Tensor loss = torch::zeros({}, image.options());
    for (torch::Tensor& result : results) {
      loss = loss + result.pow(3).sum();
      result = result.detach();
    }
    loss.backward();
    results.push_back(image.grad());
    results.push_back(volume.grad());
    return results;
  }));
  EXPECT_THROW(torch::pixel_shuffle(torch::ones({1, 3, 2, 2}).to(device()), 2), c10::Error);
  EXPECT_THROW(torch::replication_pad2d(torch::ones({1, 1, 2, 2}).to(device()), {-3, -3, -3, -3}), c10::Error);
}

TEST_F(Math, TensorsOfManyDimensionsAgree) {
  std::vector<int64_t> sizes(100, 1);
  sizes[3] = sizes[98] = sizes[99] = 2;
  EXPECT_TRUE(computes_the_same({torch::arange(8.f).reshape(sizes)}, [](const auto& in) {
    const auto& x = in[0];
    return Results{x + x.transpose(-1, 3),
                   x.matmul(x),
                   x.sum(),
                   x.softmax(-1),
                   x.exp().transpose(3, -1).clone(),
                   x.index_select(3, torch::ones({1}, x.options().dtype(torch::kLong))),
                   x.cumsum(-1)};
  }));
  const std::string refusal = "only tensors with up to 64 dims";
  EXPECT_THAT(message_of([&] { torch::ones(sizes, torch::TensorOptions(device())).sum(-1); }),
              testing::HasSubstr(refusal));
}

TEST_F(Math, OpsOfNothingGiveNothing) {
  EXPECT_TRUE(computes_the_same({torch::empty({0, 3})}, [](const auto& in) {
    const auto [mantissa, exponent] = torch::frexp(in[0]);
    return Results{torch::nan_to_num(in[0]), mantissa, exponent, in[0].abs(), in[0].exp(), in[0] + in[0], in[0].sum(0)};
  }));
}

TEST_F(Math, OpsOfQuantisationAwareTrainingAgree) {
  EXPECT_TRUE(computes_the_same({torch::randn({4, 6}).requires_grad_()}, [](const auto& in) {
    const auto o = in[0].options();
    const auto scale = torch::full({6}, 0.1, o), zero_point = torch::zeros({6}, o.dtype(torch::kInt));
    auto by_tensor = torch::fake_quantize_per_tensor_affine(in[0], 0.1, 0, -8, 7);
    auto by_channel = torch::fake_quantize_per_channel_affine(in[0], scale, zero_point, 1, -8, 7);
    (by_tensor.pow(2) + by_channel).sum().backward();
    return Results{by_tensor.detach(), by_channel.detach(), in[0].grad(),
                   std::get<0>(torch::unique_consecutive(in[0].detach() > 0, false, false, 0))};
  }));
}

TEST_F(Math, OpsThatTracedAndExportedProgramsCallAgree) {
  const auto image = torch::randn({2, 3, 8, 8}).requires_grad_(), weight = torch::randn({4, 3, 3, 3}).requires_grad_();
  EXPECT_TRUE(computes_the_same({image, weight}, [](const auto& in) {
    const std::array<int64_t, 2> ones{1, 1}, zeros{0, 0};
    const auto traced =
        at::_convolution(in[0], in[1], {}, ones, zeros, ones, false, zeros, 1, false, false, true, true);
    traced.pow(2).sum().backward();
    return Results{traced.detach(), in[0].grad(), in[1].grad(),
                   at::mkldnn_convolution(in[0].detach(), in[1].detach(), {}, zeros, ones, ones, 1)};
  }));
  EXPECT_TRUE(computes_the_same({torch::randn({2, 3, 4}), torch::rand({3}), torch::rand({3, 5})}, [](const auto& in) {
    const auto [normalized, mean, deviation, reserve] =
        at::_batch_norm_no_update(in[0], in[1], in[1], in[1], in[1], 0.1, 1e-5);
    return Results{normalized, mean, deviation, reserve,
                   at::_addmm_activation(in[1], in[2].mm(in[2].t()), in[2].mm(in[2].t()))};
  }));
  EXPECT_TRUE(computes_the_same({torch::tensor({0, 1, 1, 3})}, [](const auto& in) {
    const auto rows = at::_convert_indices_from_coo_to_csr(in[0], 4);
    return Results{rows, at::_convert_indices_from_csr_to_coo(rows, in[0])};
  }));
}

TEST_F(Math, MasksOfNumbersAndImagesOfNothingAgree) {
  EXPECT_TRUE(computes_the_same({torch::randn({3, 4}), torch::rand({0, 2, 4, 4})}, [](const auto& in) {
    const auto numbers = torch::ones_like(in[0]);
    return Results{at::native_dropout_backward(in[0], numbers.to(torch::kDouble), 2),
                   at::native_dropout_backward(in[0].to(torch::kHalf), numbers, 2), torch::pixel_unshuffle(in[1], 2)};
  }));
}

TEST_F(Math, GroupNormOfChannelsLastHasTheSameGradients) {
  const auto images = torch::randn({4, 6, 7, 5}).contiguous(torch::MemoryFormat::ChannelsLast).requires_grad_();
  const auto weight = torch::randn({6}).requires_grad_(), bias = torch::randn({6}).requires_grad_();
  EXPECT_TRUE(computes_the_same({images, weight, bias}, [](const auto& in) {
    const auto out = torch::group_norm(in[0], 3, in[1], in[2]);
    out.pow(3).sum().backward();
    return Results{out.detach(), in[0].grad(), in[1].grad(), in[2].grad()};
  }));
  EXPECT_TRUE(computes_the_same({images}, [](const auto& in) {
    torch::group_norm(in[0], 2).pow(3).sum().backward();
    return Results{in[0].grad()};
  })) << "without weight and bias";
  EXPECT_TRUE(computes_the_same({images, weight, bias}, [](const auto& in) {
    const auto loss = torch::group_norm(in[0], 3, in[1], in[2]).pow(3).sum();
    auto first = torch::autograd::grad({loss}, {in[0], in[1]}, {}, /*retain_graph=*/true, /*create_graph=*/true);
    (first[0].pow(2).sum() + first[1].sum()).backward();
    return Results{first[0].detach(), first[1].detach(), in[0].grad(), in[1].grad()};
  })) << "differentiated twice";
  // A gradient function that throws leaves nothing to the next one.
  EXPECT_TRUE(computes_the_same({images, weight, torch::randn({4, 6, 7, 5}).requires_grad_()}, [](const auto& in) {
    const auto lost = torch::group_norm(in[0] * 1, 3, in[1]).sum();
    {
      const torch::NoGradGuard no_grad;
      in[1].mul_(2);
    }
    EXPECT_THROW(lost.backward(), c10::Error);
    torch::group_norm(in[2], 3).pow(3).sum().backward();
    return Results{in[2].grad()};
  }));
}

TEST_F(Math, OutTensorsAreFilledAndSized) {
  EXPECT_TRUE(computes_the_same({torch::randn({3, 4}), torch::randn({4, 2})}, [](const auto& in) {
    auto product = torch::empty({3, 2}, in[0].options()), open = torch::empty({0}, in[0].options());
    auto strided = torch::zeros({4, 3}, in[0].options()).t();
    torch::mm_out(product, in[0], in[1]);
    torch::add_out(open, in[0], in[0]);
    torch::mul_out(strided, in[0], in[0]);
    return Results{product, open, strided};
  }));
}

TEST_F(Math, ForeachAndFusedOpsAgree) {
  EXPECT_TRUE(computes_the_same({torch::randn({3}), torch::randn({2, 2})}, [](const auto& in) {
    at::_foreach_mul_(in, 2);
    at::_foreach_add_(in, at::_foreach_neg(in), 0.25);
    auto norms = at::_foreach_norm(in);
    norms.insert(norms.end(), in.begin(), in.end());
    return norms;
  }));
}

TEST_F(Math, AnOpTakesAZeroDimensionalCpuTensorAsANumber) {
  const auto x = torch::arange(3.f);
  EXPECT_TRUE(same(x * torch::tensor(2.5), x.to(device()) * torch::tensor(2.5)));
  EXPECT_TRUE(same(x + torch::tensor(2), x.to(device()) + torch::tensor(2)));
}

TEST_F(Math, ConvolutionsKeepTheLayoutThatTheKernelHas) {
  const auto gradients = [](const torch::Tensor& result, const std::vector<torch::Tensor>& inputs) {
    auto tensors = torch::autograd::grad({result.sum()}, inputs);
    tensors.push_back(result.detach());
    return tensors;
  };
  for (const int64_t batch : {1, 2, 16}) {
    for (const int64_t kernel : {1, 3}) {
      SCOPED_TRACE(testing::Message() << "batch " << batch << ", kernel " << kernel);
      const torch::Tensor image = torch::rand({batch, 4, 6, 6}).contiguous(at::MemoryFormat::ChannelsLast);
      const torch::Tensor volume = torch::rand({batch, 4, 4, 5, 6}).contiguous(at::MemoryFormat::ChannelsLast3d);
      EXPECT_TRUE(computes_the_same({image, torch::rand({6, 4, kernel, kernel})}, [&](const auto& in) {
        const torch::Tensor x = in[0].clone().requires_grad_(), w = in[1].clone().requires_grad_();
        return gradients(torch::conv2d(x, w), {x, w});
      }));
      EXPECT_TRUE(computes_the_same({volume, torch::rand({4, 4, kernel, kernel, kernel})}, [&](const auto& in) {
        const torch::Tensor x = in[0].clone().requires_grad_(), w = in[1].clone().requires_grad_();
        auto results = gradients(torch::conv3d(x, w), {x, w});
        for (torch::Tensor& more : gradients(torch::conv_transpose3d(x, w), {x, w})) results.push_back(more);
        return results;
      }));
    }
  }
}

}  // namespace
}  // namespace remote::test
