// Dropout within torch.func's transforms. LibTorch takes a device that isn't the CPU for one with a fused kernel, whose
// rule under vmap draws in another order than the CPU's several ops, and draws where these refuse to.
#include <ATen/ATen.h>
#include <ATen/NativeFunctions.h>
#include <c10/util/Exception.h>
#include <torch/library.h>

#include <utility>

#include <remote/device/runtime.h>

namespace remote::device {
namespace {

using c10::DispatchKey;

bool draws_as_cpu(const at::Tensor& input, double p, bool train) {
  return worker_is(c10::kCPU, input) && train && p > 0 && p < 1 && input.numel() > 0;
}

/// LibTorch's kernel for what is above all levels, which this file's replaces.
const auto& libtorchs_dropout() {
  static const auto* kernel =
      new auto(c10::Dispatcher::singleton()
                   .findSchemaOrThrow("aten::dropout", "")
                   .getComputedKernelForDispatchKey(DispatchKey::FuncTorchDynamicLayerFrontMode));
  return *kernel;
}

/// As aten/src/ATen/functorch/PyTorchOperatorHacks.cpp.
void dropout_above_levels(const c10::OperatorHandle& op, c10::DispatchKeySet keys, torch::jit::Stack* stack) {
  const auto arguments = torch::jit::last(*stack, 3);
  const at::Tensor input = arguments[0].toTensor();
  const double p = arguments[1].toDouble();
  if (!draws_as_cpu(input, p, arguments[2].toBool())) return libtorchs_dropout().callBoxed(op, keys, stack);
  const at::Tensor noise = at::bernoulli(at::empty({}, input.options()).expand(input.sizes()), 1 - p);
  torch::jit::drop(*stack, 3);
  torch::jit::push(*stack, input.mul(noise.div_(1 - p)));
}

/// As aten/src/ATen/native/Dropout.cpp.
at::Tensor dropout_at_level(const at::Tensor& input, double p, bool train) {
  if (!draws_as_cpu(input, p, train)) return at::native::dropout(input, p, train);
  return input * at::empty_like(input).bernoulli_(1 - p).div_(1 - p);
}

/// Without the dispatcher's warning that there are kernels, which it gives once a process and which is kept for others.
template <typename Kernel>
torch::Library replace(DispatchKey key, Kernel kernel) {
  struct Silent final : c10::WarningHandler {
    void process(const c10::Warning& /*warning*/) override {}
  } silent;
  const c10::WarningUtils::WarningHandlerGuard quiet(&silent);
  const c10::WarningUtils::WarnAlways not_once(true);
  torch::Library library(torch::Library::IMPL, "aten", key, __FILE__, __LINE__);
  library.impl("dropout", std::move(kernel));
  return library;
}

[[maybe_unused]] const auto& original = libtorchs_dropout();
[[maybe_unused]] const torch::Library above_levels = replace(
    DispatchKey::FuncTorchDynamicLayerFrontMode, torch::CppFunction::makeFromBoxedFunction<&dropout_above_levels>());
[[maybe_unused]] const torch::Library at_levels = replace(DispatchKey::FuncTorchVmapMode, &dropout_at_level);

}  // namespace
}  // namespace remote::device
