#include "tests/unit/shapes/shape_check.h"

namespace remote::device {
namespace {

// The out variants that composite code calls with an empty out, as the recorder meets them.
TEST(OutVariantRules, EmptyOutsTakeTheLayoutOfTheOperands) {
  for (const Ints& shape : {Ints{}, Ints{5}, Ints{3, 4}, Ints{2, 3, 4, 5}}) {
    for (const auto& x : layouts(shape)) {
      check_out("abs.out", {x, at::empty({0})});
      check_out("conj_physical.out", {x.to(at::kComplexFloat), at::empty({0}, at::kComplexFloat)});
      check_out("logical_not.out", {x, at::empty({0}, at::kBool)});
      for (const auto& y : some_layouts(shape)) {
        for (const char* op : {"logical_and.out", "logical_or.out", "logical_xor.out"}) {
          check_out(op, {x, y, at::empty({0}, at::kBool)});
        }
        check_out("complex.out", {x, y, at::empty({0}, at::kComplexFloat)});
        check_out("polar.out", {x, y, at::empty({0}, at::kComplexFloat)});
        check_out("where.self_out", {x.gt(0.5), x, y, at::empty({0})});
      }
    }
  }
  check_out("abs.out", {filled({3}, at::kComplexFloat), at::empty({0})});
}

TEST(OutVariantRules, SelectionsAlongADimension) {
  for (const auto& x : layouts({2, 3, 4, 5})) {
    for (bool keepdim : {false, true}) {
      check_out("median.dim_values", {x, 1, keepdim, at::empty({0}), at::empty({0}, at::kLong)});
      check_out("nanmedian.dim_values", {x, -1, keepdim, at::empty({0}), at::empty({0}, at::kLong)});
      check_out("kthvalue.values", {x, 2, 1, keepdim, at::empty({0}), at::empty({0}, at::kLong)});
    }
  }
}

}  // namespace
}  // namespace remote::device
