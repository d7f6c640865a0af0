#include <remote/device/out_sizes.h>

#include <ATen/ATen.h>
#include <c10/util/ScopeExit.h>

#include <algorithm>
#include <mutex>
#include <unordered_map>
#include <utility>

#include <remote/device/describe.h>
#include <remote/device/device_state.h>
#include <remote/device/error.h>
#include <remote/device/runtime.h>
#include <remote/device/shapes/common.h>

namespace remote::device {
namespace {

/// Whether the caller has settled the size of an out. LibTorch's wrappers allocate outs of the right size, which the
/// stream has then not mentioned, or pass an in-place op's own argument; all else is a tensor that someone hands in, or
/// an empty one that is to be filled.
bool is_sized(const at::Tensor& out, const OpInfo& info, c10::ArrayRef<c10::IValue> arguments) {
  if (!is_remote(out)) return true;
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (info.op.schema().arguments()[i].is_out()) continue;
    if (arguments[i].isTensor() && arguments[i].toTensor().is_same(out)) return true;
  }
  const auto* context = context_of(*out.unsafeGetTensorImpl());
  return out.numel() > 0 && context != nullptr && !context->announced;
}

at::Tensor to_meta(const at::Tensor& tensor) {
  if (!tensor.defined() || (tensor.device().is_cpu() && tensor.dim() == 0)) return tensor;
  at::Tensor meta = at::empty_strided(tensor.sizes(), tensor.strides(), tensor.options().device(at::kMeta));
  if (tensor.is_conj()) meta._set_conj(true);
  if (tensor.is_neg()) meta._set_neg(true);
  return meta;
}

c10::IValue to_meta(const c10::IValue& value) {
  if (value.isTensor()) return to_meta(value.toTensor());
  if (value.isDevice()) return c10::Device(at::kMeta);
  if (value.isGenerator()) return {};
  if (!value.isList()) return value;
  const auto list = value.toList();
  auto result = c10::impl::GenericList(list.elementType());
  for (const c10::IValue& item : list) result.push_back(to_meta(item));
  return result;
}

void give_size(const at::Tensor& out, c10::IntArrayRef sizes, c10::IntArrayRef strides) {
  if (out.sizes() == sizes) return;
  out.resize_(sizes);
  if (out.strides() == strides) return;
  out.unsafeGetTensorImpl()->set_sizes_and_strides(sizes, strides);
}

torch::jit::Stack meta_arguments(c10::ArrayRef<c10::IValue> arguments) {
  torch::jit::Stack stack;
  for (const auto& argument : arguments) stack.push_back(to_meta(argument));
  return stack;
}

/// Replaces arguments by results.
void call_meta_kernel(const OpInfo& info, torch::jit::Stack& stack) {
  at::AutoDispatchBelowAutograd below;
  c10::impl::ExcludeDispatchKeyGuard outside_scope(c10::DispatchKey::DeferredInit);
  info.op.callBoxed(&stack);
}

/// Whether there is a mask among the indices, so that sizes depend on values.
bool has_mask(const OpInfo& info, c10::ArrayRef<c10::IValue> arguments) {
  if (info.indices_argument < 0) return false;
  const auto is_mask = [](const c10::IValue& index) {
    if (!index.isTensor() || !index.toTensor().defined()) return false;
    const auto dtype = index.toTensor().scalar_type();
    return dtype == c10::ScalarType::Bool || dtype == c10::ScalarType::Byte;
  };
  const auto indices = arguments[info.indices_argument].toListRef();
  return std::any_of(indices.begin(), indices.end(), is_mask);
}

bool size_by_meta_kernel(const OpInfo& info, c10::ArrayRef<c10::IValue> arguments) {
  if (!info.has_meta_kernel) return false;
  // LibTorch's wrapper has read the mask then, and made an out without elements.
  if (has_mask(info, arguments)) return true;
  torch::jit::Stack stack = meta_arguments(arguments);
  const torch::jit::Stack before = stack;
  call_meta_kernel(info, stack);
  for (int index : info.out_arguments) {
    const at::Tensor& sized = before[index].toTensor();
    if (sized.defined()) give_size(arguments[index].toTensor(), sized.sizes(), sized.strides());
  }
  return true;
}

bool size_by_rule(const OpInfo& info, c10::ArrayRef<c10::IValue> arguments, c10::DeviceIndex device) {
  if (info.rule == nullptr) return false;
  OutputSpecs specs;
  const auto worker = Runtime::get().worker_type(device);
  if (!info.rule({arguments, worker}, specs) || specs.size() != info.out_arguments.size()) return false;
  for (size_t i = 0; i < specs.size(); ++i) {
    give_size(arguments[info.out_arguments[i]].toTensor(), specs[i].sizes, specs[i].strides);
  }
  return true;
}

const std::optional<c10::OperatorHandle>& twin_of(const OpInfo& info) {
  static auto* mutex = new std::mutex();
  static auto* twins = new std::unordered_map<const OpInfo*, std::optional<c10::OperatorHandle>>();
  std::lock_guard lock(*mutex);
  const auto [entry, is_new] = twins->try_emplace(&info);
  if (is_new) entry->second = functional_twin(info.op);
  return entry->second;
}

/// Runs the functional overload and copies its results into the outs.
void run_functionally(const OpInfo& info, c10::ArrayRef<c10::IValue> arguments) {
  // A functional overload that LibTorch makes of this very out variant would come back here.
  static thread_local const OpInfo* running = nullptr;
  const auto& twin = twin_of(info);
  if (!twin || running == &info) {
    throw Error(StatusCode::kUnimplemented, toString(info.op.operator_name()) +
                                                ": the size of its out tensors can't be told before it runs; pass "
                                                "tensors of the right size, or call the overload without out");
  }
  torch::jit::Stack stack;
  const auto& schema = info.op.schema().arguments();
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (!schema[i].is_out()) stack.push_back(arguments[i]);
  }
  {
    const OpInfo* const outer = std::exchange(running, &info);
    const auto restore = c10::make_scope_exit([outer] { running = outer; });
    twin->callBoxed(&stack);
  }
  TORCH_INTERNAL_ASSERT(stack.size() == info.out_arguments.size());
  for (size_t i = 0; i < stack.size(); ++i) {
    const at::Tensor& out = arguments[info.out_arguments[i]].toTensor();
    const at::Tensor& result = stack[i].toTensor();
    give_size(out, result.sizes(), result.strides());
    out.copy_(result);
  }
}

OutputSpec spec_of(const at::Tensor& tensor) {
  if (!tensor.defined()) return shapes::undefined();
  return shapes::strided(tensor.sizes(), tensor.strides(), tensor.scalar_type());
}

}  // namespace

bool find_by_meta_kernel(const OpInfo& info, c10::ArrayRef<c10::IValue> arguments, OutputSpecs& outputs) {
  if (!info.has_meta_kernel || info.op.schema().name().starts_with("aten::")) return false;
  torch::jit::Stack stack = meta_arguments(arguments);
  call_meta_kernel(info, stack);
  for (const c10::IValue& returned : stack) {
    if (returned.isTensor()) {
      outputs.push_back(spec_of(returned.toTensor()));
    } else {
      for (const at::Tensor& tensor : returned.toTensorList()) outputs.push_back(spec_of(tensor));
    }
  }
  return true;
}

bool size_outs(const OpInfo& info, torch::jit::Stack& stack, c10::DeviceIndex device) {
  const auto arguments = torch::jit::last(stack, info.argument_count);
  bool sized = true;
  for (int index : info.out_arguments) {
    // Out variants with lists of outs come from composite code that has sized them.
    if (arguments[index].isTensor()) sized = sized && is_sized(arguments[index].toTensor(), info, arguments);
  }
  auto& state = device_state(device);
  if (sized) return state.count(Tier::kSized), true;
  if (!info.data_dependent) {
    if (size_by_meta_kernel(info, arguments)) return state.count(Tier::kMeta), true;
    if (size_by_rule(info, arguments, device)) return state.count(Tier::kRule), true;
  }
  run_functionally(info, arguments);
  return false;
}

}  // namespace remote::device
