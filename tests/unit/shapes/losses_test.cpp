#include "tests/unit/shapes/shape_check.h"

namespace remote::device {
namespace {

const Ints kLossShape{2, 3, 4, 5};
constexpr int64_t kUnreduced = 0, kMean = 1;

TEST(LossRules, PairwiseLossesAndTheirGradients) {
  for (const auto& a : layouts(kLossShape)) {
    for (const auto& b : some_layouts(kLossShape)) {
      for (int64_t reduction : {kUnreduced, kMean}) {
        const at::Tensor grad = reduction == kUnreduced ? filled(kLossShape) : filled({});
        check("binary_cross_entropy", {a, b, {}, reduction});
        check("binary_cross_entropy", {b, a, {}, reduction});
        check("binary_cross_entropy_backward", {grad, a, b, {}, reduction});
        check("binary_cross_entropy_backward", {grad, b, a, {}, reduction});
        check("huber_loss", {a, b, reduction, 1.0});
        check("huber_loss", {b, a, reduction, 1.0});
        check("mse_loss_backward", {grad, a, b, reduction});
        check("mse_loss_backward", {grad, b, a, reduction});
        check_out("huber_loss_backward.out", {grad, a, b, reduction, 1.0, at::empty({0})});
        check_out("smooth_l1_loss_backward.grad_input", {grad, b, a, reduction, 1.0, at::empty({0})});
      }
    }
  }
}

TEST(LossRules, PairwiseLossesBroadcast) {
  check("huber_loss", {filled({3, 4}), filled({4}), kUnreduced, 1.0});
  check("mse_loss_backward", {filled({}), filled({3, 4}), filled({4}), kMean});
  check_unknown("mse_loss_backward", {filled({}), filled({4}), filled({3, 4}), kMean});
}

TEST(LossRules, MarginLosses) {
  for (int64_t reduction : {kUnreduced, kMean}) {
    for (const auto& x : layouts({4, 6})) {
      const at::Tensor classes = filled({4}, at::kLong), labels = at::full({4, 6}, -1, at::kLong);
      const at::Tensor grad = reduction == kUnreduced ? filled({4}) : filled({});
      check("multi_margin_loss", {x, classes, 1, 1, {}, reduction});
      check("multi_margin_loss_backward", {grad, x, classes, 1, 1, {}, reduction});
      check("multilabel_margin_loss_forward", {x, labels, reduction});
      const at::Tensor is_target = std::get<1>(at::multilabel_margin_loss_forward(x, labels, reduction));
      check("multilabel_margin_loss_backward", {grad, x, labels, reduction, is_target});
    }
    const at::Tensor x = filled({6});
    check("multi_margin_loss", {x, filled({}, at::kLong), 1, 1, {}, reduction});
    check("multi_margin_loss", {filled({1, 6}), filled({1}, at::kLong), 1, 1, {}, reduction});
    check("multi_margin_loss", {filled({6}), filled({1}, at::kLong), 1, 1, {}, reduction});
    check("multilabel_margin_loss_forward", {x, at::full({6}, -1, at::kLong), reduction});
  }
}

TEST(LossRules, NllLossOfImages) {
  const at::Tensor target = at::zeros({2, 4, 5}, at::kLong);
  for (int64_t reduction : {kUnreduced, kMean}) {
    for (const auto& x : layouts(kLossShape)) {
      check("nll_loss2d_forward", {x, target, {}, reduction, -100});
      check("nll_loss2d_forward", {x, target, filled({3}), reduction, -100});
    }
    const at::Tensor grad = reduction == kUnreduced ? filled({2, 4, 5}) : filled({});
    check("nll_loss2d_backward", {grad, filled(kLossShape), target, {}, reduction, -100, filled({})});
  }
}

TEST(LossRules, CtcKnowsItsAlphaFromTheLongestTarget) {
  const at::Tensor targets = at::ones({2, 4}, at::kLong);
  for (const auto& log_probs : some_layouts({10, 2, 5})) {
    check("_ctc_loss", {log_probs, targets, Ints{10, 8}, Ints{4, 3}});
    const auto [loss, alpha] = at::_ctc_loss(log_probs, targets, {10, 8}, {4, 3});
    check("_ctc_loss_backward", {filled({2}), log_probs, targets, Ints{10, 8}, Ints{4, 3}, loss, alpha, 0});
  }
  check("_ctc_loss", {filled({10, 2, 5}), at::ones({7}, at::kLong), Ints{10, 8}, Ints{2, 5}});
}

}  // namespace
}  // namespace remote::device
