// Ops that LibTorch would take apart for a new device, and that a worker has one kernel for.
#include <ATen/Context.h>
#include <torch/library.h>

#include <remote/device/ops/aten_ops.h>
#include <remote/device/recorder.h>

namespace remote::device {
namespace {

constexpr const char* kWholeOps[] = {
    "_convolution",
    "convolution_backward",  // else: convolution_overrideable, which no worker implements
    "mkldnn_convolution",
    "_nnpack_spatial_convolution",
    "native_layer_norm",
    "native_group_norm",  // else through native_batch_norm, with other bits
    "embedding",          // else index_select
    "silu_backward",
    "mish_backward",
    "native_batch_norm",
    "native_batch_norm_backward",
    "_batch_norm_no_update",
    "addr",
    "addr.out",            // else as an outer product and a sum, with other bits
    "isin.Scalar_Tensor",  // else an out of no elements, which the kernel then resizes
    "mode.values",         // else refused: LibTorch's code asks whether the device is one that it knows
    "linalg_lstsq",        // else as its out variant, with outs of no size yet
    "pixel_shuffle",
    "pixel_unshuffle",
    "native_channel_shuffle",  // else as views and copies, row-major
    "reflection_pad3d",
    "reflection_pad3d_backward",
    "replication_pad2d",
    "replication_pad3d",  // else row-major, too
};

/// foreach ops on lists of tensors: else one record a tensor. Not those that copy, which may come from the CPU.
bool is_foreach(const c10::OperatorName& name) {
  return name.name.starts_with("aten::_foreach_") && !name.name.starts_with("aten::_foreach_copy") &&
         name.overload_name.find("out") == std::string::npos;
}

/// In place: LibTorch leaves it to the kernels of foreach ops to count versions.
void record_foreach_in_place(const c10::OperatorHandle& op, c10::DispatchKeySet keys, torch::jit::Stack* stack) {
  const auto changed = torch::jit::peek(*stack, 0, op.schema().arguments().size()).toTensorVector();
  record_op(op, keys, stack);
  for (const auto& tensor : changed) tensor.unsafeGetTensorImpl()->bump_version();
}

/// As LibTorch's own code for `convolution`: a tracer notes the _convolution within, never this one.
void record_convolution(const c10::OperatorHandle& op, c10::DispatchKeySet keys, torch::jit::Stack* stack) {
  if (!c10::impl::tls_is_dispatch_key_included(c10::DispatchKey::Tracer)) return record_op(op, keys, stack);
  static const auto traced = c10::Dispatcher::singleton().findSchemaOrThrow("aten::_convolution", "");
  const at::Context& context = at::globalContext();
  torch::jit::push(*stack, context.benchmarkCuDNN(), context.deterministicCuDNN() || context.deterministicAlgorithms(),
                   context.userEnabledCuDNN(), context.allowTF32CuDNN(at::Float32Op::CONV));
  traced.callBoxed(stack);
}

torch::CppFunction recorder() { return torch::CppFunction::makeFromBoxedFunction<&record_op>(); }

TORCH_LIBRARY_IMPL(aten, PrivateUse1, m) {
  for (const char* name : kWholeOps) m.impl(name, recorder());
  m.impl("convolution", torch::CppFunction::makeFromBoxedFunction<&record_convolution>());
  for (const auto& op : aten_ops()) {
    if (!is_foreach(op)) continue;
    const bool in_place = op.name.ends_with('_');
    m.impl(name_within_aten(op).c_str(),
           in_place ? torch::CppFunction::makeFromBoxedFunction<&record_foreach_in_place>() : recorder());
  }
}

}  // namespace
}  // namespace remote::device
