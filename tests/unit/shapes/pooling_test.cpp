#include "tests/unit/shapes/shape_check.h"

namespace remote::device {
namespace {

TEST(PoolingRules, AdaptiveAverages) {
  for (const Ints& shape : {Ints{2, 3, 8, 8}, Ints{2, 1, 8, 7}, Ints{1, 3, 1, 1}, Ints{3, 8, 8}}) {
    for (const auto& x : layouts(shape)) {
      check("_adaptive_avg_pool2d", {x, Ints{2, 3}});
      check("_adaptive_avg_pool2d_backward", {at::_adaptive_avg_pool2d(x, {2, 3}), x});
    }
  }
  for (const Ints& shape : {Ints{2, 3, 4, 6, 6}, Ints{3, 4, 6, 6}}) {
    for (const auto& x : layouts(shape)) {
      check("_adaptive_avg_pool3d", {x, Ints{2, 2, 3}});
      check("_adaptive_avg_pool3d_backward", {at::_adaptive_avg_pool3d(x, {2, 2, 3}), x});
    }
  }
}

TEST(PoolingRules, VolumeMaximaCountTheirWindows) {
  struct Window {
    Ints kernel, stride, padding, dilation;
  };
  for (const Window& w :
       {Window{{2, 2, 2}, {}, {0, 0, 0}, {1, 1, 1}}, Window{{3, 2, 2}, {2, 1, 3}, {1, 1, 0}, {1, 1, 1}},
        Window{{2, 2, 2}, {2, 2, 2}, {1, 1, 1}, {1, 2, 1}}}) {
    for (bool ceil_mode : {false, true}) {
      for (const Ints& shape : {Ints{2, 3, 5, 6, 7}, Ints{3, 5, 6, 7}, Ints{1, 1, 5, 6, 7}}) {
        for (const auto& x : layouts(shape)) {
          if (x.dim() == 4 && x.is_contiguous(at::MemoryFormat::ChannelsLast)) continue;
          if (x.dim() == 4 && x.suggest_memory_format() == at::MemoryFormat::ChannelsLast) continue;
          check("max_pool3d_with_indices", {x, w.kernel, w.stride, w.padding, w.dilation, ceil_mode});
          const auto [out, indices] =
              at::max_pool3d_with_indices(x, w.kernel, w.stride, w.padding, w.dilation, ceil_mode);
          const Ints stride = w.stride.empty() ? w.kernel : w.stride;
          check("max_pool3d_with_indices_backward",
                {out, x, w.kernel, stride, w.padding, w.dilation, ceil_mode, indices});
        }
      }
    }
  }
}

TEST(PoolingRules, UnpoolingHasTheSizesItIsGiven) {
  for (const Ints& shape : {Ints{2, 3, 4, 4}, Ints{3, 4, 4}}) {
    for (const auto& x : layouts(shape)) check("max_unpool2d", {x, at::zeros(shape, at::kLong), Ints{8, 9}});
  }
  for (const auto& x : layouts({2, 3, 2, 3, 3})) {
    check("max_unpool3d", {x, at::zeros({2, 3, 2, 3, 3}, at::kLong), Ints{4, 6, 6}, Ints{2, 2, 2}, Ints{0, 0, 0}});
  }
}

TEST(PoolingRules, FractionalMaxPool3dBackward) {
  for (const auto& x : layouts({2, 3, 4, 6, 6})) {
    const auto [out, indices] = at::fractional_max_pool3d(x, {2, 2, 2}, {2, 2, 2}, at::rand({2, 3, 3}));
    check("fractional_max_pool3d_backward", {out, x, Ints{2, 2, 2}, Ints{2, 2, 2}, indices});
  }
}

}  // namespace
}  // namespace remote::device
