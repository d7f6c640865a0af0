#pragma once
#include <ATen/core/Tensor.h>

#include <map>
#include <optional>
#include <unordered_map>

namespace remote::optim::detail {

/// The counts of steps of one device, one further: equal counts stay one tensor, so that a step costs one small op for
/// all parameters and not one for each. Lives for one step.
class StepCounts {
 public:
  /// `found_inf`: the step does not count while it is 1.
  StepCounts(c10::Device device, const std::optional<at::Tensor>& found_inf);

  /// The count that follows `step`. The value of a tensor on the CPU is read, others by identity.
  at::Tensor next(const at::Tensor& step);

 private:
  at::Tensor advance(const at::Tensor& step) const;

  c10::Device device_;
  at::Tensor increment_;  // bool, 0-dim; undefined: always 1
  std::map<float, at::Tensor> by_value_;
  std::unordered_map<const c10::TensorImpl*, at::Tensor> by_identity_;
};

}  // namespace remote::optim::detail
