#include "tests/unit/shapes/shape_check.h"

namespace remote::device {
namespace {

const std::vector<Ints> kReducedShapes = {{}, {5}, {3, 4}, {2, 3, 4, 5}};

TEST(ReductionRules, WholeTensors) {
  for (const Ints& shape : kReducedShapes) {
    for (const auto& x : layouts(shape)) {
      for (const char* op : {"prod", "nansum", "max", "min", "median", "nanmedian", "_aminmax"}) check(op, {x});
    }
  }
  for (auto dtype : {at::kDouble, at::kBFloat16, at::kInt, at::kBool, at::kByte}) {
    for (const char* op : {"prod", "nansum", "max", "min"}) check(op, {filled({3, 4}, dtype)});
  }
  check("prod", {filled({3}, at::kInt), at::kFloat});
  check("nansum", {filled({3}, at::kInt), {}, false, at::kDouble});
}

TEST(ReductionRules, SpreadsAlongDimensions) {
  for (const Ints& shape : kReducedShapes) {
    for (const auto& x : layouts(shape)) {
      std::vector<c10::IValue> dims{{}, Ints{}};
      if (!shape.empty()) dims.insert(dims.end(), {Ints{0}, Ints{-1}});
      if (shape.size() > 2) dims.emplace_back(Ints{0, 2});
      for (const auto& dim : dims) {
        for (bool keepdim : {false, true}) {
          for (const char* op : {"std.correction", "var.correction", "std_mean.correction", "var_mean.correction"}) {
            check(op, {x, dim, 1, keepdim});
          }
          check("nansum", {x, dim, keepdim});
        }
        if (!dim.isNone()) check("count_nonzero.dim_IntList", {x, dim});
      }
    }
  }
  for (auto dtype : {at::kComplexFloat, at::kComplexDouble, at::kDouble, at::kBFloat16}) {
    check("std.correction", {filled({3, 4}, dtype), Ints{0}});
    check("var_mean.correction", {filled({3, 4}, dtype), Ints{0}});
  }
}

TEST(ReductionRules, AlongOneDimension) {
  for (const Ints& shape : kReducedShapes) {
    for (const auto& x : layouts(shape)) {
      for (bool keepdim : {false, true}) {
        check("mode", {x, 0, keepdim});
        check("mode", {x, -1, keepdim});
        check("_aminmax.dim", {x, -1, keepdim});
      }
      check("_logcumsumexp", {x, 0});
      if (x.dim() == 0) continue;
      for (const char* op : {"_cummax_helper", "_cummin_helper"}) {
        check(op, {x, at::empty(shape), at::empty(shape, at::kLong), 0});
      }
    }
  }
}

TEST(SortingRules, PositionsOfValues) {
  const at::Tensor edges = std::get<0>(filled({6}).sort());
  for (const Ints& shape : kReducedShapes) {
    for (const auto& x : layouts(shape)) {
      for (bool int32 : {false, true}) {
        check("searchsorted.Tensor", {edges, x, int32});
        check("bucketize.Tensor", {x, edges, int32});
      }
    }
  }
  check("searchsorted.Tensor", {std::get<0>(filled({3, 6}).sort()), filled({3, 4})});
  check("searchsorted.Scalar", {edges, 0.5});
  check("bucketize.Scalar", {0.5, edges, true});
}

TEST(HistogramRules, BinsAndEdges) {
  for (auto dtype : {at::kFloat, at::kDouble}) {
    for (const auto& x : layouts({4, 3}, dtype)) {
      check("histc", {x, 10});
      check("histogram.bin_ct", {x, 10});
      check("histogram.bins_tensor", {x, at::arange(5, dtype)});
      check("_histogramdd_bin_edges", {x, Ints{2, 3, 4}});
      check("_histogramdd_from_bin_cts", {x, Ints{2, 3, 4}});
      const std::vector<at::Tensor> edges{at::arange(3, dtype), at::arange(4, dtype), at::arange(5, dtype)};
      check("_histogramdd_from_bin_tensors", {x, edges});
    }
  }
}

}  // namespace
}  // namespace remote::device
