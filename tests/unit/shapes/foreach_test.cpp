#include "tests/unit/shapes/shape_check.h"

#include <remote/device/shapes/tables.h>

namespace remote::device {
namespace {

/// Every layout of a few shapes, as one list.
at::TensorList all() {
  static const auto* tensors = [] {
    auto* list = new std::vector<at::Tensor>();
    for (const Ints& shape : {Ints{}, Ints{5}, Ints{3, 4}, Ints{1, 4}, Ints{2, 3, 4, 5}, Ints{0, 3}}) {
      for (const auto& x : layouts(shape)) list->push_back(x);
    }
    return list;
  }();
  return *tensors;
}

/// Tensors of the same shapes in other layouts.
std::vector<at::Tensor> others() {
  std::vector<at::Tensor> list;
  for (const auto& x : all()) list.push_back(x.clone(at::MemoryFormat::Contiguous));
  return list;
}

std::vector<c10::Scalar> numbers() {
  return std::vector<c10::Scalar>(all().size(), 2.0);
}

TEST(ForeachRules, EveryOpKeepsEveryLayout) {
  for (const shapes::NamedRule& entry : shapes::foreach_rules()) {
    const std::string op(entry.op);
    if (op.rfind("_foreach_", 0) != 0) continue;
    const std::string overload = op.find('.') == op.npos ? "" : op.substr(op.find('.') + 1);
    const std::string name = op.substr(0, op.find('.'));
    const bool ternary = name.find("_addc") != std::string::npos || name.find("_lerp") != std::string::npos;
    const std::vector<at::Tensor> a = all().vec(), b = others();
    if (name == "_foreach_mm") {
      check(op, {std::vector<at::Tensor>{filled({3, 4}), filled({5, 3}).t()},
                 std::vector<at::Tensor>{filled({4, 2}), filled({5, 2})}});
    } else if (name == "_foreach_norm" || name == "_foreach_powsum") {
      check(op, {a, 2.0});
    } else if (name == "_foreach_max") {
      check(op, {std::vector<at::Tensor>{filled({3}), filled({2, 3}).t()}});
    } else if (name == "_foreach_copy") {
      check(op, {a, b});
    } else if (overload.empty()) {
      check(op, {a});
    } else if (ternary && overload == "List") {
      check(op, {a, b, b});
    } else if (name == "_foreach_lerp") {
      check(op, {a, b, overload == "Scalar" ? c10::IValue(0.5) : c10::IValue(numbers())});
    } else if (ternary && overload == "Tensor") {
      check(op, {a, b, b, filled({static_cast<int64_t>(a.size())})});
    } else if (ternary) {
      check(op, {a, b, b, overload == "Scalar" ? c10::IValue(2.0) : c10::IValue(numbers())});
    } else if (overload == "List") {
      check(op, {a, b});
      check(op, {b, a});
    } else if (overload == "Tensor") {
      check(op, {a, filled({})});
    } else if (overload == "Scalar") {
      check(op, {a, 2.0});
    } else if (overload == "ScalarList") {
      check(op, {a, numbers()});
    } else if (overload == "ScalarAndTensor") {
      check(op, {2.0, a});
    } else {
      ADD_FAILURE() << "no case for " << op;
    }
  }
}

TEST(ForeachRules, DtypesPromoteAsInTheOrdinaryOps) {
  for (auto dtype : {at::kDouble, at::kBFloat16, at::kInt, at::kLong}) {
    const std::vector<at::Tensor> list{filled({3}, dtype), filled({2, 2}, dtype)};
    for (const char* op :
         {"_foreach_abs", "_foreach_neg", "_foreach_sqrt", "_foreach_exp", "_foreach_reciprocal", "_foreach_sigmoid"}) {
      check(op, {list});
    }
    for (const char* op : {"_foreach_add.Scalar", "_foreach_mul.Scalar", "_foreach_div.Scalar",
                           "_foreach_clamp_min.Scalar", "_foreach_pow.Scalar"}) {
      check(op, {list, 2});
      check(op, {list, 2.5});
    }
    const std::vector<at::Tensor> floats{filled({3}), filled({2, 2})};
    for (const char* op : {"_foreach_add.List", "_foreach_div.List", "_foreach_mul.List"}) check(op, {list, floats});
    check("_foreach_mul.Tensor", {list, filled({}, at::kDouble)});
  }
  const std::vector<at::Tensor> complex{filled({3}, at::kComplexFloat)};
  for (const char* op : {"_foreach_abs", "_foreach_norm.Scalar", "_foreach_exp"}) check(op, {complex});
  check("_foreach_norm.Scalar", {std::vector<at::Tensor>{filled({3}, at::kBFloat16)}, 2, at::kFloat});
}

TEST(AmpRules, FunctionalTwins) {
  const std::vector<at::Tensor> gradients{filled({3}), filled({2, 2})};
  check("_amp_foreach_non_finite_check_and_unscale", {gradients, at::zeros({1}), at::ones({1})});
  check("_amp_update_scale", {at::ones({1}), at::zeros({1}, at::kInt), at::zeros({1}), 2.0, 0.5, 10});
}

}  // namespace
}  // namespace remote::device
