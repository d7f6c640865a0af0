#include "tests/unit/shapes/shape_check.h"

namespace remote::device {
namespace {

using Mask = std::array<bool, 3>;
const std::vector<Mask> kMasks = {{true, true, true}, {true, false, false}, {false, true, true}};

const std::vector<Ints> kBatchNormShapes = {{4, 3},       {2, 3, 5},       {2, 3, 4, 5},   {2, 1, 4, 5},
                                            {1, 3, 1, 1}, {2, 3, 2, 4, 5}, {1, 2, 2, 1, 1}};

at::Tensor channels(const at::Tensor& x, at::ScalarType dtype = at::kFloat) {
  return filled({x.size(1)}, dtype);
}

TEST(BatchNormRules, TrainingSavesStatisticsAndEvaluationNone) {
  for (const Ints& shape : kBatchNormShapes) {
    for (const auto& x : layouts(shape)) {
      for (const char* op : {"native_batch_norm", "_native_batch_norm_legit"}) {
        for (bool training : {true, false}) {
          if (training && x.numel() == x.size(1)) continue;
          check(op, {x, channels(x), channels(x), channels(x), channels(x), training, 0.1, 1e-5});
        }
        check(op, {x, {}, {}, channels(x), channels(x), false, 0.1, 1e-5});
      }
      check("_native_batch_norm_legit.no_stats", {x, channels(x), channels(x), true, 0.1, 1e-5});
      check("_batch_norm_with_update", {x, channels(x), channels(x), channels(x), channels(x), 0.1, 1e-5});
      check("batch_norm_update_stats", {x, channels(x), channels(x), 0.1});
    }
  }
}

TEST(BatchNormRules, EvaluationOnCudaSavesTheRunningStatistics) {
  const at::Tensor x = filled({2, 3, 4, 5}, at::kHalf);
  const OutputSpecs specs =
      foretold("native_batch_norm", {x, channels(x), channels(x), channels(x), channels(x), false, 0.1, 1e-5},
               c10::DeviceType::CUDA);
  ASSERT_EQ(specs.size(), 3u);
  EXPECT_EQ(at::IntArrayRef(specs[1].sizes), at::IntArrayRef({3}));
  EXPECT_EQ(specs[1].dtype, at::kFloat);
}

TEST(BatchNormRules, HalfTypesMixWithFloatParameters) {
  for (auto dtype : {at::kBFloat16, at::kHalf}) {
    for (auto parameter : {dtype, at::kFloat}) {
      const at::Tensor x = filled({2, 3, 4, 5}, dtype);
      const at::Tensor p = channels(x, parameter);
      for (bool training : {true, false}) {
        check("native_batch_norm", {x, p, p, p.clone(), p.clone(), training, 0.1, 1e-5});
        const at::Tensor save = training ? p : filled({0}, parameter);
        check("native_batch_norm_backward", {x, x, p, p, p, save, save, training, 1e-5, Mask{true, true, true}});
      }
      check("native_batch_norm", {x, p, p, {}, {}, true, 0.1, 1e-5});
    }
  }
}

TEST(BatchNormRules, BackwardHonoursItsMask) {
  for (const Ints& shape : kBatchNormShapes) {
    for (const auto& x : layouts(shape)) {
      const at::Tensor p = channels(x);
      for (bool training : {true, false}) {
        for (const at::Tensor& weight : {p, at::Tensor()}) {
          for (const Mask& mask : kMasks) {
            check("native_batch_norm_backward", {filled(shape), x, weight, p, p, p, p, training, 1e-5, mask});
          }
        }
        check("batch_norm_backward",
              {filled(shape), x, p, p, p, p, p, training, 1e-5, Mask{true, true, true}, at::empty({0}, at::kByte)});
      }
    }
    for (const auto& grad : layouts(shape)) {
      const at::Tensor p = channels(grad);
      check("native_batch_norm_backward", {grad, filled(shape), p, p, p, p, p, true, 1e-5, Mask{true, true, true}});
    }
  }
}

TEST(LayerNormRules, StatisticsKeepTheNormalizedDimensionsAsOnes) {
  for (const Ints& shape : {Ints{4, 6}, Ints{2, 3, 6}, Ints{2, 3, 4, 6}, Ints{0, 6}, Ints{1, 6}}) {
    for (const auto& x : layouts(shape)) {
      const at::Tensor p = filled({6});
      check("native_layer_norm", {x, Ints{6}, p, p, 1e-5});
      check("native_layer_norm", {x, Ints{6}, {}, {}, 1e-5});
      const auto [y, mean, rstd] = at::native_layer_norm(x, {6}, p, p, 1e-5);
      for (const Mask& mask : kMasks) {
        check("native_layer_norm_backward", {filled(shape), x, Ints{6}, mean, rstd, p, p, mask});
      }
      check("native_layer_norm_backward", {filled(shape), x, Ints{6}, mean, rstd, {}, {}, Mask{true, false, false}});
    }
  }
  check("native_layer_norm", {filled({2, 3, 4}), Ints{3, 4}, filled({3, 4}), filled({3, 4}), 1e-5});
  check("native_layer_norm", {filled({2, 6}, at::kBFloat16), Ints{6}, filled({6}), filled({6}), 1e-5});
  check("native_layer_norm", {filled({2, 6}, at::kBFloat16), Ints{6}, filled({6}, at::kBFloat16), {}, 1e-5});
  check("native_layer_norm", {filled({2, 6}, at::kDouble), Ints{6}, {}, {}, 1e-5});
}

TEST(GroupNormRules, StatisticsAreOnePerGroup) {
  for (const Ints& shape : {Ints{2, 6, 5}, Ints{2, 6, 4, 5}, Ints{1, 6, 1, 1}}) {
    const int64_t area = c10::multiply_integers(shape) / (shape[0] * 6);
    std::vector<at::Tensor> inputs{filled(shape)};
    if (shape.size() == 4) inputs.push_back(filled(shape).contiguous(at::MemoryFormat::ChannelsLast));
    for (const auto& x : inputs) {
      const at::Tensor p = filled({6});
      check("native_group_norm", {x, p, p, shape[0], 6, area, 3, 1e-5});
      check("native_group_norm", {x, {}, {}, shape[0], 6, area, 2, 1e-5});
      const auto [y, mean, rstd] = at::native_group_norm(x, p, p, shape[0], 6, area, 3, 1e-5);
      check("native_group_norm_backward",
            {filled(shape), x, mean, rstd, p, shape[0], 6, area, 3, Mask{true, true, true}});
      check("native_group_norm_backward",
            {filled(shape), x, mean, rstd, {}, shape[0], 6, area, 3, Mask{true, false, false}});
    }
    check("native_group_norm", {filled(shape, at::kBFloat16), filled({6}), filled({6}), shape[0], 6, area, 3, 1e-5});
    check("native_group_norm",
          {filled(shape, at::kBFloat16), filled({6}, at::kBFloat16), {}, shape[0], 6, area, 3, 1e-5});
  }
}

TEST(WeightNormRules, WeightAndNorms) {
  for (auto dtype : {at::kFloat, at::kDouble, at::kBFloat16}) {
    const at::Tensor v = filled({4, 3, 2}, dtype), g = filled({4, 1, 1}, dtype);
    check("_weight_norm_interface", {v, g, 0});
    const at::Tensor norms = std::get<1>(at::_weight_norm_interface(v, g, 0));
    check("_weight_norm_interface_backward", {filled({4, 3, 2}, dtype), v, g, norms, 0});
  }
  check("_weight_norm_interface", {filled({4, 3}), filled({1, 3}), 1});
}

}  // namespace
}  // namespace remote::device
