#include "tests/unit/shapes/shape_check.h"

namespace remote::device {
namespace {

const std::vector<Ints> kIndexedShapes = {{5}, {3, 4}, {2, 3, 4, 5}, {1, 3, 4, 5}, {2, 3, 2, 3, 4}};

TEST(IndexingRules, IndexSelectIsRowMajor) {
  for (const Ints& shape : kIndexedShapes) {
    for (const auto& x : layouts(shape)) {
      for (int64_t dim = -1; dim < x.dim(); ++dim) {
        for (const Ints& index : {Ints{}, Ints{1}, Ints{3}, Ints{0}}) {
          check("index_select", {x, dim, at::zeros(index, at::kLong)});
        }
      }
    }
  }
  check("index_select", {filled({}), 0, at::zeros({1}, at::kLong)});
}

TEST(IndexingRules, TakeHasTheShapeOfItsIndex) {
  for (const auto& index : layouts({3, 4}, at::kLong)) check("take", {filled({2, 3, 4}), index});
  check("take", {filled({5}, at::kInt), at::zeros({}, at::kLong)});
}

TEST(IndexingRules, FlipKeepsTheLayout) {
  for (const Ints& shape : kIndexedShapes) {
    for (const auto& x : layouts(shape)) {
      check("flip", {x, Ints{0}});
      if (x.dim() > 1) check("flip", {x, Ints{0, -1}});
      check("flip", {x, Ints{}});
    }
  }
}

TEST(IndexingRules, RollConcatenatesInEachDimension) {
  for (const Ints& shape : kIndexedShapes) {
    for (const auto& x : layouts(shape)) {
      check("roll", {x, Ints{1}});
      for (int64_t dim = 0; dim < x.dim(); ++dim) {
        for (int64_t shift : {0, 1, -1, 7}) check("roll", {x, Ints{shift}, Ints{dim}});
        check("roll", {x, Ints{1, 2}, Ints{dim, -1}});
      }
    }
  }
}

TEST(IndexingRules, NonzeroStaticHasItsSize) {
  for (const Ints& shape : {Ints{}, Ints{5}, Ints{2, 3}}) check("nonzero_static", {filled(shape), 4});
}

TEST(IndexingRules, UnfoldBackward) {
  check("unfold_backward", {filled({2, 3, 7, 2}), Ints{2, 3, 8}, 2, 2, 1});
}

TEST(IndexingRules, RepeatInterleaveIsKnownOnlyWithItsOutputSize) {
  check("repeat_interleave.Tensor", {at::tensor({1, 2, 3}, at::kLong), 6});
  check_unknown("repeat_interleave.Tensor", {at::tensor({1, 2, 3}, at::kLong)});
}

TEST(IndexingRules, SegmentsReplaceTheAxis) {
  const at::Tensor data = filled({8, 3, 2});
  check("segment_reduce", {data, "sum", at::tensor({3, 5}, at::kLong)});
  check("segment_reduce", {data, "mean", {}, {}, at::tensor({0, 3, 8}, at::kLong)});
  check("segment_reduce", {filled({2, 6, 3}), "max", at::tensor({2, 4, 3, 3}, at::kLong).view({2, 2}), {}, {}, 1});
  const at::Tensor lengths = at::tensor({3, 5}, at::kLong);
  const at::Tensor out = at::segment_reduce(data, "sum", lengths);
  check("_segment_reduce_backward", {filled({2, 3, 2}), out, data, "sum", lengths});
}

}  // namespace
}  // namespace remote::device
