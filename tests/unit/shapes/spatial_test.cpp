#include "tests/unit/shapes/shape_check.h"

namespace remote::device {
namespace {

TEST(PaddingRules, PadsAndTheirGradients) {
  for (const Ints& shape : {Ints{2, 3, 4, 5}, Ints{2, 1, 4, 5}, Ints{3, 4, 5}}) {
    Ints padded = shape;
    padded[padded.size() - 1] += 3;
    padded[padded.size() - 2] += 1;
    const Ints padding{1, 2, 0, 1};
    for (const auto& x : layouts(shape)) {
      check("reflection_pad2d", {x, padding});
      for (const auto& grad : layouts(padded)) {
        check("reflection_pad2d_backward", {grad, x, padding});
        check("replication_pad2d_backward", {grad, x, padding});
      }
    }
  }
  for (const Ints& shape : {Ints{2, 3, 2, 4, 5}, Ints{3, 2, 4, 5}}) {
    for (const auto& x : layouts(shape)) {
      const Ints padding{1, 1, 1, 1, 1, 1};
      check("replication_pad3d_backward", {at::replication_pad3d(x.contiguous(), padding), x, padding});
    }
  }
}

TEST(ResamplingRules, GridSamplersAreRowMajor) {
  for (const auto& grid : layouts({2, 6, 7, 2})) {
    for (const auto& x : layouts({2, 3, 4, 5})) {
      check("grid_sampler_2d", {x, grid, 0, 0, false});
      for (bool wants_input : {true, false}) {
        check("grid_sampler_2d_backward",
              {filled({2, 3, 6, 7}), x, grid, 0, 0, false, std::array<bool, 2>{wants_input, true}});
      }
    }
  }
  for (const auto& x : layouts({2, 3, 4, 5, 6})) {
    const at::Tensor grid = filled({2, 3, 6, 7, 3});
    check("grid_sampler_3d", {x, grid, 0, 0, false});
    check("grid_sampler_3d_backward", {filled({2, 3, 3, 6, 7}), x, grid, 0, 0, false, std::array<bool, 2>{true, true}});
  }
}

TEST(UnfoldingRules, ColumnsAndBack) {
  for (const Ints& shape : {Ints{2, 3, 8, 9}, Ints{3, 8, 9}}) {
    for (const auto& x : layouts(shape)) {
      check("im2col", {x, Ints{2, 3}, Ints{1, 2}, Ints{1, 0}, Ints{2, 1}});
      const at::Tensor columns = at::im2col(x, {2, 3}, {1, 2}, {1, 0}, {2, 1});
      check("col2im", {columns, Ints{8, 9}, Ints{2, 3}, Ints{1, 2}, Ints{1, 0}, Ints{2, 1}});
    }
  }
}

TEST(ShuffleRules, ChannelShuffleKeepsChannelsLast) {
  for (const Ints& shape : {Ints{2, 6, 4, 5}, Ints{2, 6, 4}}) {
    for (const auto& x : layouts(shape)) check("channel_shuffle", {x, 3});
  }
}

TEST(FftRules, TransformedDimensionsAreInnermost) {
  for (const Ints& shape : {Ints{8}, Ints{3, 8}, Ints{2, 3, 4, 6}, Ints{1, 3, 1, 4}}) {
    const auto rank = static_cast<int64_t>(shape.size());
    std::vector<Ints> choices{{rank - 1}, {0}};
    if (rank > 1) choices.insert(choices.end(), {{0, rank - 1}, {rank - 2, rank - 1}, {rank - 1, 0}});
    if (rank > 2) choices.push_back({1, 2, 3});
    for (const Ints& dims : choices) {
      for (const auto& x : layouts(shape)) {
        for (bool onesided : {true, false}) check("_fft_r2c", {x, dims, 0, onesided});
      }
      for (const auto& x : layouts(shape, at::kComplexFloat)) {
        check("_fft_c2c", {x, dims, 0, true});
        check("_fft_c2r", {x, dims, 0, 2 * x.size(dims.back()) - 1});
      }
    }
  }
  check("_fft_c2c", {filled({3, 4}, at::kComplexDouble), Ints{1}, 0, true});
  check_unknown("_fft_c2c", {filled({3, 4}, at::kComplexDouble), Ints{1}, 0, true}, c10::DeviceType::CUDA);
}

TEST(DistanceRules, PairsOfRows) {
  for (const auto& a : layouts({2, 3, 4, 5})) {
    for (const auto& b : layouts({2, 3, 6, 5})) {
      check("_cdist_forward", {a, b, 2.0, {}});
      for (double p : {1.0, 2.0}) check("_cdist_backward", {filled({2, 3, 4, 6}), a, b, p, filled({2, 3, 4, 6})});
    }
  }
  check("_cdist_forward", {filled({4, 5}), filled({2, 3, 6, 5}), 1.0, {}});
  check("_cdist_forward", {filled({2, 1, 4, 5}), filled({3, 6, 5}), 2.0, {}});
  check("_cdist_backward", {filled({2, 3, 4, 6}), filled({2, 1, 4, 5}), filled({3, 6, 5}), 1.0, filled({2, 3, 4, 6})});
  check("_cdist_backward", {filled({0, 3, 4}), filled({3, 5}), filled({0, 4, 5}), 2.0, filled({0, 3, 4})});
  check("_cdist_backward", {filled({2, 3, 0}), filled({3, 5}), filled({2, 0, 5}), 2.0, filled({2, 3, 0})});
  for (int64_t rows : {0, 1, 2, 5}) check("_pdist_forward", {filled({rows, 3}), 2.0});
  check("_pdist_backward", {filled({10}), filled({5, 3}), 2.0, filled({10})});
}

}  // namespace
}  // namespace remote::device
