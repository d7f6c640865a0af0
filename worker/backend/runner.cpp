#include <worker/backend/runner.h>

#include <c10/core/impl/LocalDispatchKeySet.h>
#include <c10/util/FunctionRef.h>

#include <remote/wire/limits.h>
#include <worker/backend/errors.h>

namespace remote::worker {
namespace {

using Draws = Operation::Draws;
using OutputKind = wire::OutputDeclaration::Kind;

Status malformed(std::string what) {
  return {StatusCode::kInvalidArgument, std::move(what)};
}

bool has_undefined(const Operation::Argument& argument, const c10::IValue& value) {
  if (argument.optional) return false;
  if (argument.kind == Operation::Kind::kTensor) return !value.toTensor().defined();
  if (argument.kind != Operation::Kind::kTensorList) return false;
  for (const auto& element : value.toListRef()) {
    if (!element.toTensor().defined()) return true;
  }
  return false;
}

/// Hands what LibTorch warns of to a function, which outlives it.
class Warnings final : public c10::WarningHandler {
 public:
  explicit Warnings(c10::function_ref<void(const c10::Warning&)> take) : take_(take) {}
  void process(const c10::Warning& warning) override { take_(warning); }

 private:
  c10::function_ref<void(const c10::Warning&)> take_;
};

}  // namespace

Status Runner::run(wire::ByteReader& in, uint64_t sequence) {
  const uint64_t number = in.varint();
  const uint64_t scope = in.varint();
  const Operation* operation = in.ok() ? state_.operation(number) : nullptr;
  if (operation == nullptr)
    return malformed("a run of op number " + std::to_string(number) + ", which was not defined");

  Call call{*operation, sequence, scope, in};
  arguments_.begin(*operation);
  stack_.clear();
  read_arguments(in, *operation);
  if (!in.ok()) return malformed("a run of " + operation->name + " whose arguments can't be read");
  if (!read_outputs(in, call)) return malformed("a run of " + operation->name + " whose outputs can't be read");

  ++state_.statistics.ops;
  core_.count(core_.counters.ops);
  declare_outputs(call);
  if (arguments_.root()) {
    skip(call, arguments_.root());
  } else if (Status status = check(call); !status.ok()) {
    fail(call, status, /*started=*/false);
  } else {
    execute(call);
  }
  stack_.clear();
  arguments_.end();
  state_.statistics.copied_outputs = outputs_.copied();
  return {};
}

void Runner::read_arguments(wire::ByteReader& in, const Operation& operation) {
  for (size_t i = 0; i < operation.arguments.size() && in.ok(); ++i) {
    c10::IValue value = wire::read_value(in, arguments_, i);
    const auto& argument = operation.arguments[i];
    if (!Operation::accepts(argument, value)) {
      arguments_.set_problem(
          {StatusCode::kInvalidArgument,
           "argument " + argument.name + " has another type than its schema says: " + value.tagKind()});
    } else if (has_undefined(argument, value)) {
      arguments_.set_problem(
          {StatusCode::kInvalidArgument, "argument " + argument.name + " needs a tensor, and none came"});
    }
    stack_.push_back(std::move(value));
  }
}

bool Runner::read_outputs(wire::ByteReader& in, Call& call) {
  declarations_.clear();
  const uint8_t mode = in.u8();
  if (!in.ok() || mode > static_cast<uint8_t>(wire::OutputMode::kAsk)) return false;
  call.mode = static_cast<wire::OutputMode>(mode);
  if (call.mode == wire::OutputMode::kDeclared) {
    const size_t count = in.count(wire::kMaxListElements);
    for (size_t i = 0; i < count && in.ok(); ++i) declarations_.push_back(wire::read_output_declaration(in));
  } else if (call.mode == wire::OutputMode::kAsk) {
    call.request = in.varint();
    call.first_id = in.u64();
  }
  return in.ok();
}

void Runner::declare_outputs(const Call& call) {
  declared_.clear();
  for (const auto& declaration : declarations_) {
    if (declaration.kind == OutputKind::kUndefined) {
      declared_.push_back(nullptr);
      continue;
    }
    uint64_t bytes = 0;
    if (declaration.kind == OutputKind::kTensor &&
        (!wire::view_elements(declaration.sizes) ||
         !wire::view_extent_bytes(declaration.sizes, declaration.strides, 0, c10::elementSize(declaration.dtype),
                                  &bytes) ||
         bytes > wire::kMaxStorageBytes)) {
      arguments_.set_problem({StatusCode::kOutOfRange, "an output is declared with more elements than a worker takes"});
      bytes = 0;
    }
    auto entry = state_.storages.add(declaration.storage, bytes);
    if (!entry.ok()) {
      arguments_.set_problem(entry.status());
      entry = state_.storages.add(declaration.storage, 0);
    }
    declared_.push_back(entry.ok() ? *entry : nullptr);
  }
}

Status Runner::check(const Call& call) const {
  const Operation& operation = call.operation;
  if (!operation.refusal.ok()) return operation.refusal;
  if (!arguments_.problem().ok()) return arguments_.problem();
  if (call.mode == wire::OutputMode::kAsk && !operation.returns_tensors) {
    return {StatusCode::kInvalidArgument, "it returns more than tensors, which no reply can carry"};
  }
  if (operation.reads_workspace && (!stack_.back().toTensor().defined() || stack_.back().toTensor().numel() == 0)) {
    return {StatusCode::kInvalidArgument, "its workspace is not the one that the forward pass returned"};
  }
  if (operation.draws == Draws::kUnlessZero && core_.device->is_cpu()) {
    const bool trains = operation.train_argument < 0 || !stack_[operation.train_argument].isBool() ||
                        stack_[operation.train_argument].toBool();
    if (trains && stack_[operation.probability_argument].toDouble() != 0) {
      return {
          StatusCode::kUnimplemented,
          "with dropout it draws random numbers and takes no generator, so a CPU worker can't give it the session's; "
          "apply dropout as an op of its own"};
    }
  }
  return state_.settings.check(operation.products, [&] { return may_read_default_dtype(operation); });
}

bool Runner::may_read_default_dtype(const Operation& operation) const {
  if (!operation.name.starts_with("aten::")) return true;
  bool has_tensor = false, has_other = false;
  const auto look_at = [&](const c10::IValue& value) {
    if (!value.isTensor() || !value.toTensor().defined()) return;
    has_tensor = true;
    const at::Tensor& tensor = value.toTensor();
    has_other |= !tensor.is_floating_point() && !tensor.is_complex();
  };
  for (const c10::IValue& value : stack_) {
    if (value.isList()) {
      for (const c10::IValue& element : value.toListRef()) look_at(element);
    } else {
      look_at(value);
    }
  }
  return has_other || !has_tensor;
}

OperationPlace Runner::place_of(const Call& call) const {
  return {call.sequence, state_.scope(call.scope), core_.worker_name};
}

void Runner::execute(const Call& call) {
  std::vector<wire::OutputMeta> metas;
  Status status;
  try {
    const auto tell = [&](const c10::Warning& warning) {
      state_.outbox.warn(describe_warning(warning, call.operation, place_of(call)));
    };
    Warnings warnings(tell);
    const c10::WarningUtils::WarningHandlerGuard here(&warnings);
    invoke(call.operation);
    if (core_.options.sync_kernels) state_.lane->wait();
    status = collect(call, metas);
  } catch (const std::exception& error) {
    status = status_of(error);
    if (core_.device->lost()) core_.lose_device(status);
  }
  if (!status.ok()) return fail(call, status, /*started=*/true);
  if (call.mode != wire::OutputMode::kAsk) return;
  wire::RequestedValue value;
  value.request = call.request;
  value.outputs = std::move(metas);
  state_.outbox.deliveries.push_back({std::move(value), {}, 0, nullptr});
}

void Runner::invoke(const Operation& operation) {
  std::optional<c10::impl::ForceDispatchKeyGuard> above_autograd;
  if (operation.runs_above_autograd) {
    const auto keys = c10::impl::tls_local_dispatch_key_set();
    above_autograd.emplace(keys.included_, keys.excluded_ - c10::autograd_dispatch_keyset_with_ADInplaceOrView);
  }
  if (operation.generator_argument >= 0) {
    auto& generator = stack_[operation.generator_argument];
    if (generator.isNone()) generator = state_.generators.default_generator();
  } else if (operation.draws == Draws::kAsDropout && core_.device->is_cpu()) {
    return run_native_dropout(stack_, state_.generators.default_generator());
  } else if (operation.draws != Draws::kNothing) {
    DefaultGeneratorScope scope(*core_.device, state_.generators.default_generator());
    return operation.handle->callBoxed(stack_);
  }
  operation.handle->callBoxed(stack_);
}

Status Runner::collect(const Call& call, std::vector<wire::OutputMeta>& metas) {
  for (auto& written : arguments_.written()) REMOTE_RETURN_IF_ERROR(outputs_.settle(written));
  switch (call.mode) {
    case wire::OutputMode::kNone:
      return {};
    case wire::OutputMode::kDeclared:
      return outputs_.declared(stack_, declarations_, declared_);
    case wire::OutputMode::kAsk:
      return outputs_.asked(stack_, call.first_id, metas);
  }
  return {};
}

void Runner::skip(const Call& call, const RootErrorPtr& root) {
  ++state_.statistics.skipped_ops;
  for (auto* entry : arguments_.unfilled()) entry->poison(root);
  for (auto* entry : declared_) {
    if (entry != nullptr) entry->poison(root);
  }
  for (auto& written : arguments_.written()) written.entry->miss(root);
  answer(call, root);
}

void Runner::fail(const Call& call, const Status& status, bool started) {
  ++state_.statistics.failed_ops;
  core_.count(core_.counters.failed_ops);
  const RootErrorPtr root = state_.fail(
      call.sequence, describe_failure(call.operation, status, call.arguments, state_.storages, place_of(call)));
  for (auto* entry : arguments_.unfilled()) entry->poison(root);
  for (auto* entry : declared_) {
    if (entry == nullptr) continue;
    entry->storage = {};
    entry->opaque = at::Tensor();
    entry->poison(root);
  }
  for (auto& written : arguments_.written()) {
    if (started) {
      written.entry->poison(root);
    } else {
      written.entry->miss(root);
    }
  }
  answer(call, root);
}

void Runner::answer(const Call& call, const RootErrorPtr& root) {
  if (call.mode != wire::OutputMode::kAsk) return;
  wire::RequestedValue value;
  value.request = call.request;
  value.status = root->status;
  value.failed_sequence = root->sequence;
  state_.outbox.deliveries.push_back({std::move(value), {}, 0, nullptr});
}

}  // namespace remote::worker
