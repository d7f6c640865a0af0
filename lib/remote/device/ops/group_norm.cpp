// The gradient of group norm on channels-last input. LibTorch's formula keeps that layout for CPU tensors and makes
// those of any other device row-major, after which a CPU worker would add up in another order than the CPU does. Here
// the gradient function notes the layout, and the op that it calls gives it back.
#include <ATen/ATen.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>
#include <torch/library.h>

#include <utility>

#include <remote/device/recorder.h>
#include <remote/device/runtime.h>

namespace remote::device {
namespace {

using at::MemoryFormat;
using at::Tensor;
using torch::autograd::variable_list;
using OptionalTensor = std::optional<Tensor>;
using GroupNorm = std::tuple<Tensor, Tensor, Tensor>(const Tensor&, const OptionalTensor&, const OptionalTensor&,
                                                     c10::SymInt, c10::SymInt, c10::SymInt, int64_t, double);

/// The layout that the CPU would have, for the gradient function of a group norm that runs on this thread.
thread_local MemoryFormat t_layout = MemoryFormat::Contiguous;

class NoteLayout final : public torch::autograd::FunctionPreHook {
 public:
  explicit NoteLayout(MemoryFormat layout) : layout_(layout) {}
  variable_list operator()(const variable_list& gradients) override {
    t_layout = layout_;
    return gradients;
  }

 private:
  const MemoryFormat layout_;
};

std::tuple<Tensor, Tensor, Tensor> native_group_norm(c10::DispatchKeySet keys, const Tensor& input,
                                                     const OptionalTensor& weight, const OptionalTensor& bias,
                                                     c10::SymInt images, c10::SymInt channels, c10::SymInt pixels,
                                                     int64_t groups, double eps) {
  static const auto op =
      c10::Dispatcher::singleton().findSchemaOrThrow("aten::native_group_norm", "").typed<GroupNorm>();
  // LibTorch's formula stands under every autograd key; under the device's it is hidden by this function.
  const auto formula = (keys & c10::after_autograd_keyset).add(c10::DispatchKey::AutogradOther);
  auto results = op.redispatch(formula, input, weight, bias, std::move(images), std::move(channels), std::move(pixels),
                               groups, eps);
  const MemoryFormat layout = input.suggest_memory_format();
  const auto& function = std::get<0>(results).grad_fn();
  // Of row-major input, too: what a gradient function that threw has left behind is none of the next one's.
  if (function && worker_is(at::kCPU, input)) function->add_pre_hook(std::make_unique<NoteLayout>(layout));
  return results;
}

/// native_group_norm_backward(grad_out, input, ...)
void record_group_norm_backward(const c10::OperatorHandle& op, c10::DispatchKeySet keys, torch::jit::Stack* stack) {
  const size_t count = op.schema().arguments().size();
  const MemoryFormat layout = std::exchange(t_layout, MemoryFormat::Contiguous);
  const int64_t rank = layout == MemoryFormat::ChannelsLast ? 4 : layout == MemoryFormat::ChannelsLast3d ? 5 : 0;
  for (size_t i = 0; i < 2; ++i) {
    c10::IValue& tensor = torch::jit::peek(*stack, i, count);
    if (tensor.toTensor().dim() == rank) tensor = tensor.toTensor().contiguous(layout);
  }
  record_op(op, keys, stack);
}

TORCH_LIBRARY_IMPL(aten, AutogradPrivateUse1, m) {
  m.impl("native_group_norm", &native_group_norm);
}
TORCH_LIBRARY_IMPL(aten, PrivateUse1, m) {
  m.impl("native_group_norm_backward", torch::CppFunction::makeFromBoxedFunction<&record_group_norm_backward>());
}

}  // namespace
}  // namespace remote::device
