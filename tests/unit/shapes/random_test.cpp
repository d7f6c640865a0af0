#include "tests/unit/shapes/shape_check.h"

namespace remote::device {
namespace {

const std::vector<Ints> kRandomShapes = {{}, {5}, {3, 4}, {2, 3, 4, 5}, {1, 3, 4, 5}, {2, 3, 1, 1}};

TEST(RandomRules, DropoutAndItsMask) {
  for (const Ints& shape : kRandomShapes) {
    for (const auto& x : layouts(shape)) {
      for (double p : {0.0, 0.3, 1.0}) {
        check("native_dropout", {x, p, true});
        check("native_dropout", {x, p, false});
        check("native_dropout", {x, p, {}});
      }
      for (const auto& mask : layouts(shape, at::kBool)) check("native_dropout_backward", {x, mask, 2.0});
    }
  }
  check("native_dropout", {filled({0, 3}), 0.5, true});
  check("native_dropout", {filled({3}, at::kBFloat16), 0.5, true});
  check("native_dropout_backward", {filled({3}, at::kBFloat16), filled({3}, at::kBool), 2.0});
}

TEST(RandomRules, DrawsOfOneTensor) {
  for (const Ints& shape : kRandomShapes) {
    for (const auto& x : layouts(shape)) {
      check("bernoulli", {x});
      check("bernoulli.p", {x, 0.5});
      check("poisson", {x});
      check("_standard_gamma", {x});
      check("_standard_gamma_grad", {x, x});
      check("normal.Tensor_float", {x, 1.0});
      check("normal.float_Tensor", {1.0, x});
      for (bool training : {true, false}) check("rrelu_with_noise", {x, at::empty(shape), 0.1, 0.3, training});
    }
  }
  for (const auto& x : layouts({3, 4})) {
    check("_sample_dirichlet", {x});
    check("_dirichlet_grad", {x, x, x});
  }
  check("bernoulli", {filled({3}, at::kDouble)});
  check("poisson", {filled({3}, at::kBFloat16)});
}

TEST(RandomRules, DrawsOfTwoTensors) {
  for (const auto& x : layouts({3, 4})) {
    for (const auto& y : some_layouts({3, 4})) {
      check("normal.Tensor_Tensor", {x, y});
      check("binomial", {x, y});
      check("bernoulli.Tensor", {x, y});
    }
    check("normal.Tensor_Tensor", {x, filled({4})});
    check("normal.Tensor_Tensor", {filled({4}), x});
  }
}

TEST(RandomRules, Multinomial) {
  for (const auto& x : layouts({3, 6})) check("multinomial", {x, 2});
  check("multinomial", {filled({6}), 3, true});
  check("multinomial", {filled({1, 6}), 1});
}

}  // namespace
}  // namespace remote::device
