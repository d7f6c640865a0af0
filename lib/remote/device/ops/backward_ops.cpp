// Backward ops of what LibTorch takes apart on the CPU and not on another device: with a CPU worker they have the bits
// that autograd would give there.
#include <ATen/ATen.h>
#include <torch/library.h>

#include <remote/device/recorder.h>
#include <remote/device/runtime.h>

namespace remote::device {
namespace {

/// native_dropout_backward(grad_output, mask, scale): the CPU takes dropout apart, and rounds the scale to the dtype. A
/// mask that isn't one takes part in the dtype.
void record_dropout_backward(const c10::OperatorHandle& op, c10::DispatchKeySet keys, torch::jit::Stack* stack) {
  const size_t count = op.schema().arguments().size();
  const at::Tensor gradient = torch::jit::peek(*stack, 0, count).toTensor();
  const at::Tensor mask = torch::jit::peek(*stack, 1, count).toTensor();
  const bool is_bool = mask.scalar_type() == at::kBool;
  if (!worker_is(at::kCPU, gradient) || (is_bool && !c10::isReducedFloatingType(gradient.scalar_type()))) {
    return record_op(op, keys, stack);
  }
  const at::Scalar scale = torch::jit::peek(*stack, 2, count).toScalar();
  torch::jit::drop(*stack, count);
  torch::jit::push(*stack, is_bool ? gradient * mask.to(gradient.scalar_type()).mul_(scale) : gradient * mask * scale);
}

TORCH_LIBRARY_IMPL(aten, PrivateUse1, m) {
  m.impl("native_dropout_backward", torch::CppFunction::makeFromBoxedFunction<&record_dropout_backward>());
}

}  // namespace
}  // namespace remote::device
