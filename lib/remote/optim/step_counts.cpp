#include <remote/optim/step_counts.h>

#include <ATen/ATen.h>

namespace remote::optim::detail {

StepCounts::StepCounts(c10::Device device, const std::optional<at::Tensor>& found_inf) : device_(device) {
  if (found_inf) increment_ = found_inf->reshape({}).ne(1);
}

at::Tensor StepCounts::advance(const at::Tensor& step) const {
  return increment_.defined() ? step.add(increment_) : step.add(1);
}

at::Tensor StepCounts::next(const at::Tensor& step) {
  if (!step.is_cpu()) {
    at::Tensor& result = by_identity_[step.unsafeGetTensorImpl()];
    if (!result.defined()) result = advance(step);
    return result;
  }
  const float value = step.item<float>();
  at::Tensor& result = by_value_[value];
  if (!result.defined()) result = advance(at::full({}, value, at::TensorOptions(at::kFloat).device(device_)));
  return result;
}

}  // namespace remote::optim::detail
