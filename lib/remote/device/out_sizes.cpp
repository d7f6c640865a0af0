#include <remote/device/out_sizes.h>

#include <ATen/ATen.h>
#include <ATen/EmptyTensor.h>
#include <ATen/ExpandUtils.h>
#include <ATen/MemoryOverlap.h>
#include <ATen/native/Resize.h>
#include <c10/util/ScopeExit.h>

#include <algorithm>
#include <mutex>
#include <unordered_map>
#include <utility>

#include <remote/device/checks/common.h>
#include <remote/device/describe.h>
#include <remote/device/device_state.h>
#include <remote/device/error.h>
#include <remote/device/meta_kernel.h>
#include <remote/device/runtime.h>
#include <remote/device/settled_calls.h>
#include <remote/device/shapes/common.h>
#include <remote/device/storage.h>

namespace remote::device {
namespace {

/// Where an out comes from.
enum class Origin {
  kArgument,  ///< an in-place op's own argument, or an input that the caller passes as the out, too
  kNew,       ///< in all likelihood LibTorch's wrapper made it just now, of the right size
  kCaller,    ///< handed in: of any size, dtype and layout
};

bool is_unused(const at::Tensor& out) {
  return out.numel() > 0 && is_untouched(*out.unsafeGetTensorImpl());
}

/// The stream has mentioned what a caller has used before, and Python has an object for what its program holds. A
/// caller's own unused tensor in C++ looks like a wrapper's.
Origin origin_of(const at::Tensor& out, const OpInfo& info, c10::ArrayRef<c10::IValue> arguments) {
  if (!is_remote(out)) return Origin::kArgument;
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (info.op.schema().arguments()[i].is_out()) continue;
    if (arguments[i].isTensor() && arguments[i].toTensor().is_same(out)) return Origin::kArgument;
  }
  const bool has_name = out.unsafeGetTensorImpl()->pyobj_slot()->load_pyobj() != nullptr;
  return is_unused(out) && !has_name ? Origin::kNew : Origin::kCaller;
}

/// Of all outs: the caller's, if one is.
Origin origin_of_outs(const OpInfo& info, c10::ArrayRef<c10::IValue> arguments) {
  Origin origin = Origin::kArgument;
  for (int index : info.out_arguments) {
    // Out variants with lists of outs come from composite code that has sized them.
    if (arguments[index].isTensor()) origin = std::max(origin, origin_of(arguments[index].toTensor(), info, arguments));
  }
  return origin;
}

/// As LibTorch sizes an out: an out of the right size keeps its strides.
void give_size(const at::Tensor& out, c10::IntArrayRef sizes, c10::IntArrayRef strides) {
  if (!at::native::resize_output(out, sizes) || out.strides() == strides) return;
  const size_t bytes = at::detail::computeStorageNbytes(sizes, strides, out.itemsize(), out.storage_offset());
  c10::StorageImpl& storage = *out.storage().unsafeGetStorageImpl();
  if (storage.nbytes() < bytes) resize_storage(storage, bytes);
  out.unsafeGetTensorImpl()->set_sizes_and_strides(sizes, strides);
}

/// As kernels that are not structured do.
void give_size_of_result(const OpInfo& info, const at::Tensor& out, c10::IntArrayRef sizes, c10::IntArrayRef strides) {
  using Layout = OpInfo::OutLayout;
  if (info.out_layout == Layout::kAsResult || (info.out_layout == Layout::kAsResultIfEmpty && out.numel() == 0)) {
    give_size(out, sizes, strides);
  } else {
    at::native::resize_output(out, sizes);
  }
}

void check_dtype(const OpInfo& info, const at::Tensor& out, c10::ScalarType result) {
  if (info.out_dtypes == OutDtypes::kAny) return;
  checks::can_be_cast(result, out.scalar_type());
  TORCH_CHECK(info.out_dtypes != OutDtypes::kExact || out.scalar_type() == result, info.op.schema().name(),
              ": Expected out tensor to have dtype ", result, ", but got ", out.scalar_type(),
              " instead; pass a tensor of that dtype");
}

/// Results that overlap themselves or part of an input would depend on the order in which they are computed.
void check_overlap(const OpInfo& info, c10::ArrayRef<c10::IValue> arguments) {
  for (int index : info.out_arguments) {
    if (!arguments[index].isTensor()) continue;
    const at::Tensor& out = arguments[index].toTensor();
    at::assert_no_internal_overlap(out);
    for (size_t i = 0; i < arguments.size(); ++i) {
      if (info.op.schema().arguments()[i].is_out() || !arguments[i].isTensor()) continue;
      const at::Tensor& input = arguments[i].toTensor();
      if (input.defined() && is_remote(input)) at::assert_no_partial_overlap(out, input);
    }
  }
}

torch::jit::Stack meta_arguments(c10::ArrayRef<c10::IValue> arguments) {
  torch::jit::Stack stack;
  for (const auto& argument : arguments) stack.push_back(to_meta(argument));
  return stack;
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

/// The outs as the op's Meta kernel leaves those with the layouts of `stack`'s.
torch::jit::Stack outs_of_meta_kernel(const OpInfo& info, torch::jit::Stack stack) {
  torch::jit::Stack outs;
  for (int index : info.out_arguments) outs.push_back(stack[index]);
  call_meta_kernel(info.op, stack);
  return outs;
}

bool size_by_meta_kernel(const OpInfo& info, c10::ArrayRef<c10::IValue> arguments) {
  if (!info.has_meta_kernel) return false;
  const torch::jit::Stack sized = outs_of_meta_kernel(info, meta_arguments(arguments));
  for (size_t i = 0; i < sized.size(); ++i) {
    const at::Tensor& out = sized[i].toTensor();
    if (out.defined()) give_size(arguments[info.out_arguments[i]].toTensor(), out.sizes(), out.strides());
  }
  return true;
}

/// The functional overload of an out variant.
struct Twin {
  std::optional<c10::OperatorHandle> op;
  /// For all devices it is one wrapper, which computes the sizes, makes the outs and calls the out variant.
  bool is_wrapper = false;
};

const Twin& twin_of(const OpInfo& info) {
  static auto* mutex = new std::mutex();
  static auto* twins = new std::unordered_map<const OpInfo*, Twin>();
  std::lock_guard lock(*mutex);
  const auto [entry, is_new] = twins->try_emplace(&info);
  Twin& twin = entry->second;
  if (is_new) twin.op = functional_twin(info.op);
  if (is_new && twin.op) {
    // What is recorded whole has a rule.
    twin.is_wrapper = twin.op->hasKernelForDispatchKey(c10::DispatchKey::CompositeExplicitAutogradNonFunctional) &&
                      (!twin.op->hasKernelForDispatchKey(c10::DispatchKey::PrivateUse1) ||
                       find_shape_rule(twin.op->operator_name()) == nullptr);
  }
  return twin;
}

/// The op whose functional overload runs on this thread in order to size outs, and whether that is all it is to do.
struct FunctionalRun {
  const OpInfo* info = nullptr;
  bool only_sizes = false;
};
thread_local FunctionalRun functional_run;

/// What the functional overload returns. It may come back as a call of this very out variant, with outs of its own.
torch::jit::Stack call_twin(const OpInfo& info, c10::ArrayRef<c10::IValue> arguments, bool only_sizes) {
  const auto inputs = info.inputs_of(arguments);
  torch::jit::Stack stack(inputs.begin(), inputs.end());
  const FunctionalRun outer = std::exchange(functional_run, {&info, only_sizes});
  const auto restore = c10::make_scope_exit([outer] { functional_run = outer; });
  twin_of(info).op->callBoxed(&stack);
  TORCH_INTERNAL_ASSERT(stack.size() == info.out_arguments.size());
  return stack;
}

/// The outs that LibTorch's wrapper makes for a structured kernel, which it then doesn't get to run.
torch::jit::Stack outs_of_wrapper(const OpInfo& info, c10::ArrayRef<c10::IValue> arguments) {
  if (!info.has_meta_kernel) return call_twin(info, arguments, /*only_sizes=*/true);
  torch::jit::Stack stack = meta_arguments(arguments);
  for (int index : info.out_arguments) {
    stack[index] = at::empty({0}, arguments[index].toTensor().options().device(at::kMeta));
  }
  return outs_of_meta_kernel(info, std::move(stack));
}

bool size_by_wrapper(const OpInfo& info, c10::ArrayRef<c10::IValue> arguments) {
  if (!twin_of(info).is_wrapper) return false;
  const torch::jit::Stack results = outs_of_wrapper(info, arguments);
  for (size_t i = 0; i < results.size(); ++i) {
    const at::Tensor& out = arguments[info.out_arguments[i]].toTensor();
    const at::Tensor& result = results[i].toTensor();
    check_dtype(info, out, result.scalar_type());
    give_size(out, result.sizes(), result.strides());
  }
  return true;
}

/// What a rule says of each out; nullopt where it says nothing, or not of all.
std::optional<OutputSpecs> told_by(ShapeRule rule, const OpInfo& info, c10::ArrayRef<c10::IValue> arguments,
                                   c10::DeviceIndex device) {
  OutputSpecs specs;
  if (rule == nullptr || !rule({arguments, Runtime::get().hardware(device)}, specs)) return std::nullopt;
  const auto is_known = [](const OutputSpec& spec) { return spec.kind == OutputSpec::Kind::kTensor; };
  if (specs.size() != info.out_arguments.size() || !std::ranges::all_of(specs, is_known)) return std::nullopt;
  return specs;
}

/// By the rule of the functional overload.
std::optional<OutputSpecs> told_by_twins_rule(const OpInfo& info, c10::ArrayRef<c10::IValue> arguments,
                                              c10::DeviceIndex device) {
  const auto& twin = twin_of(info).op;
  const ShapeRule rule = twin ? find_shape_rule(twin->operator_name()) : nullptr;
  return rule == nullptr ? std::nullopt : told_by(rule, info, info.inputs_of(arguments), device);
}

bool size_by_rule(const OpInfo& info, c10::ArrayRef<c10::IValue> arguments, c10::DeviceIndex device) {
  const auto specs = told_by(info.rule, info, arguments, device);
  if (!specs) return false;
  const bool makes_numbers = arguments.front().isScalar();
  for (size_t i = 0; i < specs->size(); ++i) {
    const at::Tensor& out = arguments[info.out_arguments[i]].toTensor();
    const OutputSpec& spec = (*specs)[i];
    if (!makes_numbers) check_dtype(info, out, spec.dtype);
    const std::string& name = info.op.schema().name();
    // Numbers in a row fill an out of any shape that has room for them all, but for those in random order.
    const bool is_row = makes_numbers && spec.sizes.size() == 1 && name != "aten::randperm";
    if (is_row && out.numel() == spec.sizes[0]) continue;
    // As LibTorch, which warns of such an out in arange() alone.
    if (makes_numbers && name != "aten::arange") {
      out.resize_(spec.sizes);
    } else {
      give_size(out, spec.sizes, spec.strides);
    }
  }
  return true;
}

bool size_by_twins_rule(const OpInfo& info, c10::ArrayRef<c10::IValue> arguments, c10::DeviceIndex device) {
  const auto specs = told_by_twins_rule(info, arguments, device);
  if (!specs) return false;
  for (size_t i = 0; i < specs->size(); ++i) {
    const at::Tensor& out = arguments[info.out_arguments[i]].toTensor();
    check_dtype(info, out, (*specs)[i].dtype);
    give_size_of_result(info, out, (*specs)[i].sizes, (*specs)[i].strides);
  }
  return true;
}

/// Whether new outs are those of a wrapper, and so as the kernel wants them.
bool are_a_wrappers(const OpInfo& info, c10::ArrayRef<c10::IValue> arguments, c10::DeviceIndex device) {
  if (info.run_as) return true;
  const uint64_t call = key_of_call(info, arguments);
  if (SettledCalls::here().contains(call)) return true;
  const auto out_at = [&](size_t i) -> const at::Tensor& { return arguments[info.out_arguments[i]].toTensor(); };
  if (twin_of(info).is_wrapper) {
    const torch::jit::Stack made = outs_of_wrapper(info, arguments);
    for (size_t i = 0; i < made.size(); ++i) {
      const at::Tensor& expected = made[i].toTensor();
      if (out_at(i).scalar_type() != expected.scalar_type()) return false;
      if (out_at(i).sizes() != expected.sizes() || out_at(i).strides() != expected.strides()) return false;
    }
  } else if (info.data_dependent) {
    return false;
  } else {
    auto specs = told_by(info.rule, info, arguments, device);
    if (!specs) specs = told_by_twins_rule(info, arguments, device);
    for (size_t i = 0; specs && i < specs->size(); ++i) {
      if (out_at(i).sizes() != c10::IntArrayRef((*specs)[i].sizes)) return false;
    }
  }
  SettledCalls::here().add(call);
  return true;
}

/// Runs the functional overload and copies its results into the outs.
void run_functionally(const OpInfo& info, c10::ArrayRef<c10::IValue> arguments) {
  if (!twin_of(info).op || functional_run.info == &info) {
    throw_error(StatusCode::kUnimplemented, toString(info.op.operator_name()) +
                                                ": the size of its out tensors can't be told before it runs; pass "
                                                "tensors of the right size, or call the overload without out");
  }
  const torch::jit::Stack results = call_twin(info, arguments, /*only_sizes=*/false);
  for (size_t i = 0; i < results.size(); ++i) {
    const at::Tensor& out = arguments[info.out_arguments[i]].toTensor();
    const at::Tensor& result = results[i].toTensor();
    check_dtype(info, out, result.scalar_type());
    give_size_of_result(info, out, result.sizes(), result.strides());
    out.copy_(result);
  }
}

bool is_misread(const OpInfo& info, c10::ArrayRef<c10::IValue> arguments) {
  return info.reads_outs_as_batches && !arguments[info.out_arguments.front()].toTensor().is_contiguous();
}

/// Each in the way that comes first, the cheapest before the others.
std::optional<Tier> size_without_running(const OpInfo& info, c10::ArrayRef<c10::IValue> arguments,
                                         c10::DeviceIndex device) {
  if (info.data_dependent) return std::nullopt;
  if (size_by_rule(info, arguments, device)) return Tier::kRule;
  if (size_by_meta_kernel(info, arguments)) return Tier::kMeta;
  if (size_by_wrapper(info, arguments)) return Tier::kMeta;
  if (size_by_twins_rule(info, arguments, device)) return Tier::kRule;
  return std::nullopt;
}

/// An in-place op's wrapper has seen to dtypes; a caller who passes an input as the out has not. Of integers, which
/// take no fractions. Changes nothing.
void check_input_as_out(const OpInfo& info, c10::ArrayRef<c10::IValue> arguments, c10::DeviceIndex device) {
  if (info.data_dependent || arguments.front().isScalar()) return;
  const auto place = static_cast<size_t>(info.out_arguments.front());
  const at::Tensor& out = arguments[place].toTensor();
  static thread_local SettledCalls settled;
  const uint64_t call = key_of_call(info, arguments);
  if (settled.contains(call)) return;
  auto specs = told_by(info.rule, info, arguments, device);
  if (!specs && info.has_meta_kernel) {
    torch::jit::Stack stack = meta_arguments(arguments);
    for (size_t i = 0; i < place; ++i) {
      if (arguments[i].isTensor() && arguments[i].toTensor().is_same(out)) stack[i] = stack[place];
    }
    call_meta_kernel(info.op, stack);
  } else if (!specs && twin_of(info).is_wrapper) {
    const torch::jit::Stack made = outs_of_wrapper(info, arguments);
    const at::Tensor& result = made.front().toTensor();
    check_dtype(info, out, result.scalar_type());
    TORCH_CHECK(out.sizes() == result.sizes() || !at::is_expandable_to(out.sizes(), result.sizes()),
                "output with shape ", out.sizes(), " doesn't match the broadcast shape ", result.sizes());
  } else if (!specs) {
    specs = told_by_twins_rule(info, arguments, device);
  }
  if (specs) check_dtype(info, out, specs->front().dtype);
  settled.add(call);
}

bool holds_integers(const OpInfo& info, c10::ArrayRef<c10::IValue> arguments) {
  const c10::IValue& out = arguments[info.out_arguments.front()];
  return info.out_arguments.size() == 1 && out.isTensor() &&
         c10::isIntegralType(out.toTensor().scalar_type(), /*includeBool=*/true);
}

OutputSpec spec_of(const at::Tensor& tensor) {
  if (!tensor.defined()) return shapes::undefined();
  return shapes::strided(tensor.sizes(), tensor.strides(), tensor.scalar_type());
}

}  // namespace

bool find_by_meta_kernel(const OpInfo& info, c10::ArrayRef<c10::IValue> arguments, OutputSpecs& outputs) {
  if (!info.has_meta_kernel || info.op.schema().name().starts_with("aten::")) return false;
  torch::jit::Stack stack = meta_arguments(arguments);
  call_meta_kernel(info.op, stack);
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
  const Origin origin = origin_of_outs(info, arguments);
  auto& state = device_state(device);
  // LibTorch's wrapper has read a mask among indices, and sized the out by it.
  if (origin == Origin::kArgument || has_mask(info, arguments)) {
    for (int index : info.out_arguments) {
      if (!info.takes_overlap && arguments[index].isTensor())
        at::assert_no_internal_overlap(arguments[index].toTensor());
    }
    if (origin == Origin::kArgument && holds_integers(info, arguments)) check_input_as_out(info, arguments, device);
    return state.count(Tier::kSized), true;
  }
  if (functional_run.info == &info && functional_run.only_sizes) return false;
  if (origin == Origin::kNew && are_a_wrappers(info, arguments, device)) return state.count(Tier::kSized), true;
  check_overlap(info, arguments);
  if (is_misread(info, arguments)) return run_functionally(info, arguments), false;
  const auto tier = size_without_running(info, arguments, device);
  if (!tier) return run_functionally(info, arguments), false;
  state.count(*tier);
  const bool reads_tensors = std::any_of(arguments.begin(), arguments.end() - info.out_arguments.size(),
                                         [](const c10::IValue& argument) { return argument.isTensor(); });
  // Nothing to make, and of nothing.
  if (!reads_tensors && arguments[info.out_arguments.front()].toTensor().numel() == 0) return false;
  for (int index : info.out_arguments) {
    // The worker lets kernels lay out what is unused as they like; a caller's own layout holds.
    const at::Tensor& out = arguments[index].toTensor();
    if (is_remote(out) && is_unused(out)) out.zero_();
  }
  return true;
}

}  // namespace remote::device
