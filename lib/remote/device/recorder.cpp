#include <remote/device/recorder.h>

#include <ATen/EmptyTensor.h>
#include <c10/core/AutogradState.h>
#include <torch/library.h>

#include <algorithm>

#include <remote/device/ask.h>
#include <remote/device/describe.h>
#include <remote/device/device_state.h>
#include <remote/device/error.h>
#include <remote/device/out_sizes.h>
#include <remote/device/run_record.h>
#include <remote/device/runtime.h>

namespace remote::device {
namespace {

/// The index of the first remote tensor in a value; -1 for none.
c10::DeviceIndex first_remote(const c10::IValue& value) {
  if (value.isTensor()) {
    const auto& tensor = value.toTensor();
    return is_remote(tensor) ? tensor.device().index() : -1;
  }
  if (!value.isList()) return -1;
  for (const auto& item : value.toListRef()) {
    if (item.isNone()) continue;
    if (!item.isTensor()) return -1;
    if (is_remote(item.toTensor())) return item.toTensor().device().index();
  }
  return -1;
}

/// The device that an op belongs to: that of its first remote tensor, or the one it names, or the current one.
c10::DeviceIndex device_of(const OpInfo& info, c10::ArrayRef<c10::IValue> arguments) {
  for (const auto& argument : arguments) {
    if (const auto index = first_remote(argument); index >= 0) return index;
  }
  if (info.device_argument >= 0 && arguments[info.device_argument].isDevice()) {
    const auto device = arguments[info.device_argument].toDevice();
    if (device.type() == c10::DeviceType::PrivateUse1 && device.has_index()) return device.index();
  }
  return Runtime::current_device();
}

/// Uploads the indices that lie on the CPU, as CUDA does.
void upload_indices(const OpInfo& info, torch::jit::Stack& stack, c10::DeviceIndex device) {
  if (info.indices_argument < 0) return;
  auto& argument = torch::jit::peek(stack, info.indices_argument, info.argument_count);
  const auto is_elsewhere = [](const c10::IValue& index) { return index.isTensor() && index.toTensor().is_cpu(); };
  const auto indices = argument.toListRef();
  if (std::none_of(indices.begin(), indices.end(), is_elsewhere)) return;
  c10::List<std::optional<at::Tensor>> moved;
  moved.reserve(indices.size());
  for (const auto& index : indices) {
    if (is_elsewhere(index)) {
      moved.push_back(index.toTensor().to(c10::Device(c10::DeviceType::PrivateUse1, device)));
    } else {
      moved.push_back(index.toOptional<at::Tensor>());
    }
  }
  argument = std::move(moved);
}

/// Records the functional overload, with the outs as its results; false when they are not as new as those would be.
bool record_as_functional(const OpInfo& info, c10::ArrayRef<c10::IValue> arguments, c10::DeviceIndex device) {
  if (!info.run_as) return false;
  c10::SmallVector<wire::OutputDeclaration, 2> declarations;
  c10::SmallVector<StorageContext*, 2> contexts;
  for (int index : info.out_arguments) {
    const at::Tensor& out = arguments[index].toTensor();
    auto* context = is_remote(out) ? context_of(*out.unsafeGetTensorImpl()) : nullptr;
    if (context == nullptr || context->announced || out.storage().use_count() != 1) return false;
    if (out.storage_offset() != 0 || !out.is_contiguous()) return false;
    // LibTorch's wrapper has first given it the size of the input.
    resize_storage(*out.storage().unsafeGetStorageImpl(), out.nbytes());
    contexts.push_back(context);
    auto& declaration = declarations.emplace_back();
    declaration.kind = wire::OutputDeclaration::Kind::kTensor;
    declaration.storage = context->id;
    declaration.dtype = out.scalar_type();
    declaration.sizes.assign(out.sizes().begin(), out.sizes().end());
    declaration.strides.assign(out.strides().begin(), out.strides().end());
  }
  record_run(op_info(*info.run_as), info.inputs_of(arguments), device, [&](wire::RecordWriter& out) {
    out.end_run(declarations);
    for (auto* context : contexts) context->announced = true;
  });
  return true;
}

/// Puts flat results into the stack, tensor lists gathered as the schema has them.
void push_results(const OpInfo& info, std::vector<at::Tensor> results, torch::jit::Stack& stack) {
  const auto& returns = info.op.schema().returns();
  size_t next = 0;
  for (const auto& returned : returns) {
    if (returned.type()->kind() == c10::TypeKind::TensorType) {
      TORCH_INTERNAL_ASSERT(next < results.size());
      stack.emplace_back(std::move(results[next++]));
      continue;
    }
    // One list among the returns takes what the single tensors leave over.
    const size_t count = results.size() - (returns.size() - 1);
    c10::List<at::Tensor> list;
    list.reserve(count);
    for (size_t i = 0; i < count; ++i) list.push_back(std::move(results[next++]));
    stack.emplace_back(std::move(list));
  }
}

std::vector<at::Tensor> record_functional(const OpInfo& info, c10::ArrayRef<c10::IValue> arguments,
                                          c10::DeviceIndex device) {
  auto& state = device_state(device);
  OutputSpecs specs;
  const wire::Hardware& worker = Runtime::get().hardware(device);
  if (info.rule != nullptr && info.rule({arguments, worker}, specs)) {
    state.count(Tier::kRule);
  } else if (find_by_meta_kernel(info, arguments, specs)) {
    state.count(Tier::kMeta);
  } else if (info.data_dependent) {
    state.count(Tier::kDataDependent);
    return ask(info, arguments, device);
  } else if (find_asked(info, arguments, device, specs)) {
    state.count(Tier::kCached);
  } else {
    state.count(Tier::kAsked);
    return ask(info, arguments, device);
  }
  return record_declared(info, arguments, device, specs);
}

}  // namespace

at::Tensor make_tensor(c10::Storage storage, c10::ScalarType dtype, c10::IntArrayRef sizes, c10::IntArrayRef strides) {
  auto tensor = at::detail::make_tensor<c10::TensorImpl>(
      std::move(storage), c10::DispatchKeySet(c10::DispatchKey::PrivateUse1), c10::scalarTypeToTypeMeta(dtype));
  tensor.unsafeGetTensorImpl()->set_sizes_and_strides(sizes, strides);
  return tensor;
}

std::vector<at::Tensor> record_declared(const OpInfo& info, c10::ArrayRef<c10::IValue> arguments,
                                        c10::DeviceIndex device, const OutputSpecs& specs) {
  std::vector<at::Tensor> results;
  c10::SmallVector<wire::OutputDeclaration, 4> declarations;
  results.reserve(specs.size());
  for (const auto& spec : specs) {
    auto& declaration = declarations.emplace_back();
    if (spec.kind == OutputSpec::Kind::kUndefined) {
      results.emplace_back();
      continue;
    }
    const bool opaque = spec.kind == OutputSpec::Kind::kOpaque;
    if (!opaque) check_within_limits(spec.sizes);
    const uint64_t bytes =
        opaque ? 0 : at::detail::computeStorageNbytes(spec.sizes, spec.strides, c10::elementSize(spec.dtype));
    c10::Storage storage = make_storage(bytes, device);
    auto* context = context_of(storage);
    context->opaque = opaque;
    declaration.storage = context->id;
    declaration.dtype = spec.dtype;
    declaration.kind = opaque ? wire::OutputDeclaration::Kind::kOpaque : wire::OutputDeclaration::Kind::kTensor;
    if (opaque) {
      results.push_back(make_tensor(std::move(storage), c10::ScalarType::Byte, {0}, {1}));
    } else {
      declaration.sizes = spec.sizes;
      declaration.strides = spec.strides;
      results.push_back(make_tensor(std::move(storage), spec.dtype, spec.sizes, spec.strides));
    }
  }
  record_run(info, arguments, device, [&](wire::RecordWriter& out) {
    out.end_run(declarations);
    for (const auto& result : results) {
      if (result.defined()) context_of(*result.unsafeGetTensorImpl())->announced = true;
    }
  });
  return results;
}

void run_backward_on_this_thread() {
  static thread_local const bool once = [] {
    c10::AutogradState::get_tls_state().set_multithreading_enabled(false);
    return true;
  }();
  (void)once;
}

void record_mutation(const OpInfo& info, c10::ArrayRef<c10::IValue> arguments, c10::DeviceIndex device) {
  record_run(info, arguments, device, [](wire::RecordWriter& out) { out.end_run(); });
}

/// A 0-dim CPU tensor is taken along as a number, into which nobody could write.
void check_written(const OpInfo& info, c10::ArrayRef<c10::IValue> arguments, c10::DeviceIndex device) {
  for (const int index : info.returned_arguments) {
    if (!arguments[index].isTensor() || is_remote(arguments[index].toTensor())) continue;
    if (!arguments[index].toTensor().defined()) continue;
    throw_error(StatusCode::kInvalidArgument,
                toString(info.op.operator_name()) + ": expected all tensors on remote:" + std::to_string(device) +
                    ", but what it is to write into is " + describe_for_people(arguments[index].toTensor()) +
                    "; pass a remote tensor, and copy its value with .cpu()");
  }
}

void record_op(const c10::OperatorHandle& op, c10::DispatchKeySet, torch::jit::Stack* stack) {
  run_backward_on_this_thread();
  const OpInfo& info = op_info(op);
  const auto arguments = [&] { return torch::jit::last(*stack, info.argument_count); };
  const c10::DeviceIndex device = device_of(info, arguments());
  if (info.kind == OpInfo::Kind::kUnsupported) {
    throw_error(StatusCode::kUnimplemented, toString(op.operator_name()) +
                                                " returns a view or something that is no tensor, and has no kernel of "
                                                "its own for remote tensors; copy to the CPU with .cpu() first");
  }
  const auto is_cpu = [device] { return Runtime::get().hardware(device).device == c10::kCPU; };
  if (!info.kernel_gap.dtypes.empty() && is_cpu()) {
    const auto inputs = arguments().slice(0, info.argument_count - info.out_arguments.size());
    check_kernel_dtype(op.schema().name(), info.kernel_gap, inputs);
  }
  if (info.check != nullptr) info.check(op.schema(), arguments());
  if (info.takes_numbers && has_large_number(arguments()) && is_cpu()) check_numbers(op, arguments());
  announce_generator(info, arguments());
  upload_indices(info, *stack, device);
  if (info.kind == OpInfo::Kind::kMutating) {
    check_written(info, arguments(), device);
    const bool run = info.out_arguments.empty() || size_outs(info, *stack, device);
    if (run) {
      if (info.out_arguments.empty()) device_state(device).count(Tier::kSized);
      if (!record_as_functional(info, arguments(), device)) record_mutation(info, arguments(), device);
    }
    c10::SmallVector<c10::IValue, 4> returned;
    for (int index : info.returned_arguments) returned.push_back(arguments()[index]);
    torch::jit::drop(*stack, info.argument_count);
    for (auto& value : returned) stack->push_back(std::move(value));
    return;
  }
  std::vector<at::Tensor> results = record_functional(info, arguments(), device);
  torch::jit::drop(*stack, info.argument_count);
  push_results(info, std::move(results), *stack);
}

TORCH_LIBRARY_IMPL(_, PrivateUse1, m) {
  m.fallback(torch::CppFunction::makeFromBoxedFunction<&record_op>());
}

}  // namespace remote::device
