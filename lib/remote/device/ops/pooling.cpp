// max_pool1d, whose kernel on the CPU is another one for inputs that need no gradient.
#include <ATen/TensorSubclassLikeUtils.h>
#include <torch/library.h>

#include <remote/device/recorder.h>
#include <remote/device/runtime.h>

namespace remote::device {
namespace {

/// LibTorch's rule is max_pool1d() in aten/src/ATen/native/MaxPooling.cpp.
at::Tensor max_pool1d(const at::Tensor& self, at::IntArrayRef kernel_size, at::IntArrayRef stride,
                      at::IntArrayRef padding, at::IntArrayRef dilation, bool ceil_mode) {
  const bool needs_gradient = (at::GradMode::is_enabled() && self.requires_grad()) || self._fw_grad(0).defined();
  if (needs_gradient || at::isTensorSubclassLike(self) || !worker_is(c10::kCPU, self)) {
    return std::get<0>(at::max_pool1d_with_indices(self, kernel_size, stride, padding, dilation, ceil_mode));
  }
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("aten::max_pool1d", "")
                             .typed<at::Tensor(const at::Tensor&, at::IntArrayRef, at::IntArrayRef, at::IntArrayRef,
                                               at::IntArrayRef, bool)>();
  return op.redispatch(c10::DispatchKeySet(c10::DispatchKey::PrivateUse1), self, kernel_size, stride, padding, dilation,
                       ceil_mode);
}

TORCH_LIBRARY_IMPL(aten, AutogradPrivateUse1, m) {
  m.impl("max_pool1d", &max_pool1d);
}
TORCH_LIBRARY_IMPL(aten, PrivateUse1, m) {
  m.impl("max_pool1d", torch::CppFunction::makeFromBoxedFunction<&record_op>());
}

}  // namespace
}  // namespace remote::device
