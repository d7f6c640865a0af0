#include "tests/unit/shapes/shape_check.h"

namespace remote::device {
namespace {

const std::vector<Ints> kElementwiseShapes = {
    {},           {5},          {0},          {3, 4},       {1, 4},       {2, 0, 3},      {2, 3, 4},
    {2, 3, 4, 5}, {1, 3, 4, 5}, {2, 1, 4, 5}, {2, 3, 1, 1}, {0, 3, 4, 5}, {2, 3, 2, 3, 4}};

TEST(ElementwiseRules, UnaryOpsKeepEveryLayout) {
  for (const Ints& shape : kElementwiseShapes) {
    for (const auto& x : layouts(shape)) {
      for (const char* op : {"relu", "hardtanh", "hardswish", "isnan", "logit", "angle"}) check(op, {x});
    }
  }
}

TEST(ElementwiseRules, UnaryOpsKnowTheirDtype) {
  for (auto dtype : {at::kDouble, at::kBFloat16, at::kHalf, at::kLong, at::kInt, at::kByte}) {
    const at::Tensor x = filled({3, 4}, dtype);
    for (const char* op : {"relu", "isnan", "angle"}) check(op, {x});
    if (c10::isFloatingType(dtype)) {
      for (const char* op : {"hardtanh", "hardswish", "logit", "log_sigmoid_forward"}) check(op, {x});
    }
  }
  check("logit", {filled({3}, at::kLong)});
  check("isnan", {filled({3}, at::kBool)});
  check("angle", {filled({3}, at::kBool)});
  check("angle", {filled({3}, at::kComplexFloat)});
  check("angle", {filled({3}, at::kComplexDouble)});
  check("isnan", {filled({3}, at::kComplexFloat)});
}

TEST(ElementwiseRules, LogSigmoidHasItsBuffer) {
  for (const auto& x : layouts({2, 3, 4, 5})) {
    check("log_sigmoid_forward", {x});
    check("log_sigmoid_backward", {filled({2, 3, 4, 5}), x, filled({2, 3, 4, 5})});
    check("log_sigmoid_backward", {x, filled({2, 3, 4, 5}), filled({2, 3, 4, 5})});
  }
}

TEST(ElementwiseRules, BinaryOpsFollowTheFirstOperandWithAnOpinion) {
  for (const Ints& shape : {Ints{5}, Ints{3, 4}, Ints{1, 4}, Ints{2, 3, 4, 5}, Ints{1, 3, 1, 1}, Ints{0, 3, 4, 5}}) {
    for (const auto& a : layouts(shape)) {
      for (const auto& b : layouts(shape)) {
        check("hardtanh_backward", {a, b, -1.0, 1.0});
        check("hardswish_backward", {a, b});
        check("silu_backward", {a, b});
        check("mish_backward", {a, b});
        check("rsub.Tensor", {a, b});
        check("floor_divide", {a, b});
      }
    }
  }
}

TEST(ElementwiseRules, BinaryOpsBroadcast) {
  const std::vector<std::pair<Ints, Ints>> pairs = {
      {{2, 3, 4, 5}, {5}}, {{2, 3, 4, 5}, {3, 1, 1}}, {{2, 3, 4, 5}, {}},        {{3, 1}, {1, 4}},
      {{}, {3, 4}},        {{4}, {2, 3, 4}},          {{2, 1, 4, 5}, {3, 1, 5}}, {{0, 3}, {1, 3}}};
  for (const auto& [first, second] : pairs) {
    for (const auto& a : layouts(first)) {
      for (const auto& b : layouts(second)) {
        check("rsub.Tensor", {a, b});
        check("floor_divide", {a, b});
        check("where.self", {a.gt(0.5), a, b});
        check("where.self", {b.gt(0.5), a, b});
      }
    }
  }
}

TEST(ElementwiseRules, BinaryOpsPromote) {
  const at::Tensor number = at::scalar_tensor(2.0, at::kDouble);
  number.unsafeGetTensorImpl()->set_wrapped_number(true);
  for (auto dtype : {at::kDouble, at::kBFloat16, at::kLong, at::kInt}) {
    for (auto other : {at::kFloat, at::kHalf, at::kInt}) {
      check("rsub.Tensor", {filled({3, 4}, dtype), filled({3, 4}, other)});
      check("where.self", {filled({3, 4}, at::kBool), filled({3, 4}, dtype), filled({4}, other)});
      check("where.self", {filled({3, 4}, at::kBool), filled({3, 4}, dtype), filled({}, other)});
    }
    check("rsub.Tensor", {filled({3, 4}, dtype), number});
    check("where.self", {filled({3, 4}, at::kBool), filled({3, 4}, dtype), number});
  }
}

TEST(ElementwiseRules, WhereConvertsBeforeItIterates) {
  for (const Ints& shape : {Ints{3, 4}, Ints{2, 3, 4, 5}}) {
    for (const auto& condition : layouts(shape, at::kBool)) {
      for (const auto& self : layouts(shape)) check("where.self", {condition, self, filled(shape, at::kDouble)});
      for (const auto& self : layouts(shape, at::kLong)) check("where.self", {condition, self, filled(shape)});
    }
    for (const auto& condition : layouts(shape, at::kByte))
      check("where.self", {condition, filled(shape), filled(shape)});
  }
}

TEST(ElementwiseRules, GluGradientHasTheInputsShape) {
  for (const auto& x : layouts({2, 4, 4, 5})) check("glu_backward", {filled({2, 2, 4, 5}), x, 1});
}

TEST(ElementwiseRules, PReluBothWays) {
  for (const auto& x : layouts({2, 3, 4, 5})) {
    for (const auto& w : {filled({1, 3, 1, 1}), filled({1, 1, 1, 1}), filled({3, 1, 1})}) {
      check("_prelu_kernel", {x, w});
      for (const auto& grad : some_layouts({2, 3, 4, 5})) check("_prelu_kernel_backward", {grad, x, w});
    }
  }
}

TEST(ElementwiseRules, FakeQuantizeHasAMask) {
  for (const auto& x : layouts({2, 3, 4, 5}))
    check("fake_quantize_per_tensor_affine_cachemask", {x, 0.1, 0, -128, 127});
}

}  // namespace
}  // namespace remote::device
