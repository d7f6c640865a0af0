// Ops on inference tensors outside inference mode.
#include <ATen/core/LegacyTypeDispatch.h>
#include <torch/library.h>

#include <algorithm>
#include <memory>
#include <string>
#include <unordered_set>

#include <remote/device/describe.h>
#include <remote/device/op_info.h>
#include <remote/device/ops/aten_ops.h>

// Note [Inference tensors]
// An inference tensor has no autograd keys. On the CPU an op on one runs its kernel at once, and the result needs no
// gradient, whatever the tensor says. Here LibTorch's wrapper of a structured op makes an out and calls the out variant
// through the dispatcher; the new out does have the keys, and autograd refuses to write into an out what was computed
// from a tensor that requires a gradient. So out variants look here first.

namespace remote::device {
namespace {

bool is_new(const at::Tensor& out) {
  return is_remote(out) && is_untouched(*out.unsafeGetTensorImpl());
}

/// Whether a wrapper made the outs for inputs that autograd has not seen. A caller's own unused out looks like that.
bool is_a_wrappers_call(const OpInfo& info, c10::ArrayRef<c10::IValue> arguments) {
  bool any = false, all = true;
  const auto look_at = [&](const c10::IValue& input) {
    if (!input.isTensor() || !input.toTensor().defined()) return;
    any = true;
    all = all && input.toTensor().is_inference();
  };
  for (const c10::IValue& input : info.inputs_of(arguments)) {
    look_at(input);
    if (input.isTensorList()) std::ranges::for_each(input.toListRef(), look_at);
  }
  return any && all && std::ranges::all_of(info.out_arguments, [&](int index) {
           return arguments[index].isTensor() && is_new(arguments[index].toTensor());
         });
}

class OutVariant final : public c10::OperatorKernel {
 public:
  explicit OutVariant(c10::SafeKernelFunction autograd) : autograd_(std::move(autograd)) {}

  void operator()(const c10::OperatorHandle& op, c10::DispatchKeySet keys, torch::jit::Stack* stack) {
    const OpInfo& info = op_info(op);
    if (!is_a_wrappers_call(info, torch::jit::last(*stack, info.argument_count))) {
      return autograd_.callBoxed(op, keys, stack);
    }
    const at::AutoDispatchBelowADInplaceOrView below;
    op.callBoxed(stack);
  }

 private:
  c10::SafeKernelFunction autograd_;  // LibTorch's own, which is the same for every device
};

/// The names of ops that LibTorch calls by their out variants.
std::unordered_set<std::string> wrapped_ops() {
  std::unordered_set<std::string> names;
  for (const auto& name : aten_ops()) {
    const auto op = c10::Dispatcher::singleton().findSchema(name);
    if (op && op->hasKernelForDispatchKey(c10::DispatchKey::CompositeExplicitAutogradNonFunctional)) {
      names.insert(name.name);
    }
  }
  return names;
}

TORCH_LIBRARY_IMPL(aten, AutogradPrivateUse1, m) {
  const auto wrapped = wrapped_ops();
  for (const auto& name : aten_ops()) {
    if (!wrapped.contains(name.name)) continue;
    const auto op = c10::Dispatcher::singleton().findSchema(name);
    if (!op || !std::ranges::any_of(op->schema().arguments(), &c10::Argument::is_out) ||
        !op->hasKernelForDispatchKey(c10::DispatchKey::Autograd)) {
      continue;
    }
    auto autograd = op->getComputedKernelForDispatchKey(c10::DispatchKey::AutogradXLA);
    m.impl(name_within_aten(name).c_str(),
           torch::CppFunction::makeFromBoxedFunctor(std::make_unique<OutVariant>(std::move(autograd))));
  }
}

}  // namespace
}  // namespace remote::device
