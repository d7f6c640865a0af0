#pragma once
#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

namespace remote::train {

/// Watches for a loss that is no finite number, on the device and without waiting.
///
/// check() after the backward pass sets a flag there that stays set; an optimizer whose step honours the flag changes
/// nothing from then on, so the weights are those from before the bad step. bad_steps() counts the steps since, that
/// one included: whoever reads c > 0 after step n knows that step n - c + 1 was the first bad one. Two small ops a
/// step.
class NanGuard {
 public:
  explicit NanGuard(c10::Device device);

  /// `grad_norm` may be undefined; both are 0-dim, of a floating dtype.
  void check(const at::Tensor& loss, const at::Tensor& grad_norm);

  /// float32 [1]: 0, or 1 once a step was bad.
  const at::Tensor& found_inf() const { return found_inf_; }
  /// float32 [1].
  const at::Tensor& bad_steps() const { return bad_steps_; }

 private:
  at::Tensor found_inf_;
  at::Tensor bad_steps_;
  at::Tensor one_;
};

}  // namespace remote::train
