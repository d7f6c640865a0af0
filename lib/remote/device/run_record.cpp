#include <remote/device/run_record.h>

#include <remote/device/describe.h>
#include <remote/device/device_state.h>
#include <remote/device/error.h>
#include <remote/device/generator.h>
#include <remote/device/name_scope.h>
#include <remote/device/op_scope.h>
#include <remote/device/runtime.h>

namespace remote::device {
namespace {

std::string full_name(const OpInfo& info) {
  const auto& name = info.op.operator_name();
  return name.overload_name.empty() ? name.name : name.name + "." + name.overload_name;
}

/// All of a run but its outputs. Where the op is refused, what it mentioned first counts as unmentioned again.
Status write_run(const OpInfo& info, c10::ArrayRef<c10::IValue> arguments, uint32_t scope, DeviceState& state,
                 Describer& describer, client::Session& session, wire::RecordWriter& out) {
  // What was told stays, also where the op is refused.
  if (record_changed_settings(state.sent_settings, info.products, session.welcome().hardware.device, out)) {
    session.keep_written();
  }
  if (scope != 0) scope = session.define_scope_if_new(scope, [scope] { return NameScope::path_of(scope); });
  const uint32_t number = session.op_number(&info, info.op);
  out.begin_run(number, scope);
  const auto refused = [&](StatusCode code, const std::string& why) {
    describer.forget();
    return Status(code, full_name(info) + " on " + describer.device().str() + ": " + why);
  };
  // Nothing may fly through the stream's lock and leave half a record behind.
  try {
    for (const auto& argument : arguments) {
      if (Status status = wire::write_value(out.out(), argument, describer); !status.ok()) {
        return refused(status.code(), status.message());
      }
    }
  } catch (const Error& error) {
    return refused(error.code(), error.what());
  } catch (const c10::Error& error) {
    return refused(StatusCode::kInvalidArgument, error.what_without_backtrace());
  }
  return {};
}

}  // namespace

void announce_generator(const OpInfo& info, c10::ArrayRef<c10::IValue> arguments) {
  if (info.generator_argument < 0) return;
  const auto& value = arguments[info.generator_argument];
  // A generator that was left out arrives as a generator without an object.
  if (!value.isGenerator() || !value.isPtrType()) return;
  const at::Generator generator = value.toGenerator();
  if (auto* remote = dynamic_cast<RemoteGenerator*>(generator.unsafeGetGeneratorImpl())) remote->wire_id();
}

void record_run(const OpInfo& info, c10::ArrayRef<c10::IValue> arguments, c10::DeviceIndex device,
                c10::function_ref<void(wire::RecordWriter&)> end) {
  auto& session = Runtime::get().session(device);
  auto& state = device_state(device);
  Describer describer(device);
  const uint32_t scope = scope_of_op();
  const auto sequence = session.record(
      [&](wire::RecordWriter& out) {
        REMOTE_RETURN_IF_ERROR(write_run(info, arguments, scope, state, describer, session, out));
        end(out);
        return Status();
      },
      client::ReportErrors::kYes, {}, session.call_site());
  if (!sequence.ok()) throw_error(sequence.status());
}

std::shared_ptr<client::PendingValue> request_run(const OpInfo& info, c10::ArrayRef<c10::IValue> arguments,
                                                  c10::DeviceIndex device,
                                                  c10::function_ref<void(wire::RecordWriter&, uint64_t)> end) {
  auto& session = Runtime::get().session(device);
  auto& state = device_state(device);
  Describer describer(device);
  const uint32_t scope = scope_of_op();
  return session.request(
      [&](wire::RecordWriter& out, uint64_t request) {
        REMOTE_RETURN_IF_ERROR(write_run(info, arguments, scope, state, describer, session, out));
        end(out, request);
        return Status();
      },
      std::nullopt, {}, session.call_site());
}

}  // namespace remote::device
