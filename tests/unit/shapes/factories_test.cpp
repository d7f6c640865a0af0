#include "tests/unit/shapes/shape_check.h"

namespace remote::device {
namespace {

TEST(FactoryRules, ArangeCountsAsItsDtypeDoes) {
  const std::vector<std::array<c10::Scalar, 3>> intervals = {
      {0, 5, 1}, {5, 0, -1}, {0, 5, 2}, {0, 0, 1}, {-3, 4, 3}, {0.0, 1.0, 0.1}, {0.5, 2.0, 0.3}, {1.0, -1.0, -0.25}};
  for (const auto& [start, end, step] : intervals) {
    for (auto dtype : {at::kLong, at::kInt, at::kFloat, at::kDouble}) {
      if (c10::isIntegralType(dtype, false) && step.isFloatingPoint()) continue;
      check_out("arange.start_out", {start, end, step, at::empty({0}, dtype)});
      check_out("range.out", {start, end, step, at::empty({0}, dtype)});
    }
  }
}

TEST(FactoryRules, EyeIsASquareUnlessToldOtherwise) {
  check_out("eye.m_out", {3, 4, at::empty({0})});
}

TEST(FactoryRules, TriangularIndices) {
  for (int64_t rows : {0, 1, 3, 5}) {
    for (int64_t columns : {0, 1, 4}) {
      for (int64_t offset : {-6, -2, 0, 1, 6}) {
        for (const char* op : {"tril_indices", "triu_indices"}) {
          check(op, {rows, columns, offset, {}, {}, c10::Device(at::kCPU)});
          check(op, {rows, columns, offset, at::kInt, {}, c10::Device(at::kCPU)});
        }
      }
    }
  }
}

}  // namespace
}  // namespace remote::device
