#include <proto/messages.h>

namespace remote::proto {
namespace {

/// A code that this build does not know is an error of unknown kind, not success.
StatusCode code_from(int code) {
  return code >= 0 && code <= static_cast<int>(StatusCode::kUnauthenticated) ? static_cast<StatusCode>(code)
                                                                             : StatusCode::kUnknown;
}

/// A protobuf string must be UTF-8, or the whole message fails to parse; error texts quote what users typed.
std::string valid_utf8(const std::string& text) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const size_t length = lead < 0x80 ? 1 : lead >> 5 == 6 ? 2 : lead >> 4 == 14 ? 3 : lead >> 3 == 30 ? 4 : 0;
    bool valid = length != 0 && i + length <= text.size() && lead != 0xc0 && lead != 0xc1 && lead < 0xf5;
    for (size_t k = 1; valid && k < length; ++k) valid = (static_cast<unsigned char>(text[i + k]) & 0xc0) == 0x80;
    if (valid) {
      out.append(text, i, length);
      i += length;
    } else {
      out += '?';
      ++i;
    }
  }
  return out;
}

}  // namespace

void write(const wire::Hello& hello, v1::Hello& out) {
  out.set_protocol_version(hello.protocol_version);
  out.set_torch_version(hello.torch_version);
  out.set_client_name(valid_utf8(hello.client_name));
  out.set_credential(hello.credential);
}

wire::Hello read(const v1::Hello& message) {
  return {message.protocol_version(), message.torch_version(), message.client_name(), message.credential()};
}

void write(const wire::Welcome& welcome, std::string_view token, v1::Welcome& out) {
  out.set_protocol_version(welcome.protocol_version);
  out.set_torch_version(welcome.torch_version);
  out.set_device_type(static_cast<int32_t>(welcome.hardware.device));
  out.set_device_name(valid_utf8(welcome.device_name));
  out.set_session(welcome.session);
  out.set_incarnation(welcome.incarnation);
  out.set_peer_address(welcome.peer_address);
  out.set_lease_ms(welcome.lease_ms);
  out.mutable_limits()->set_max_inflight_bytes(welcome.limits.max_inflight_bytes);
  out.mutable_limits()->set_max_inflight_records(welcome.limits.max_inflight_records);
  out.mutable_limits()->set_max_inflight_transfer_bytes(welcome.limits.max_inflight_transfer_bytes);
  out.mutable_limits()->set_max_batch_bytes(welcome.limits.max_batch_bytes);
  out.set_token(std::string(token));
  out.set_threads(welcome.hardware.threads);
  out.set_onednn_dtypes(welcome.hardware.onednn_dtypes.bits());
}

wire::Welcome read(const v1::Welcome& message) {
  wire::Welcome welcome;
  welcome.protocol_version = message.protocol_version();
  welcome.torch_version = message.torch_version();
  welcome.hardware.device = static_cast<c10::DeviceType>(message.device_type());
  welcome.hardware.threads = message.threads();
  welcome.hardware.onednn_dtypes = wire::DtypeSet::of_bits(message.onednn_dtypes());
  welcome.device_name = message.device_name();
  welcome.session = message.session();
  welcome.incarnation = message.incarnation();
  welcome.peer_address = message.peer_address();
  welcome.token = message.token();
  welcome.lease_ms = message.lease_ms();
  welcome.limits.max_inflight_bytes = message.limits().max_inflight_bytes();
  welcome.limits.max_inflight_records = message.limits().max_inflight_records();
  welcome.limits.max_inflight_transfer_bytes = message.limits().max_inflight_transfer_bytes();
  welcome.limits.max_batch_bytes = message.limits().max_batch_bytes();
  return welcome;
}

void write(wire::Batch batch, v1::Batch& out) {
  out.set_first_sequence(batch.first_sequence);
  out.set_record_count(batch.record_count);
  out.set_records(std::move(batch.bytes));
}

wire::Batch read(v1::Batch& message) {
  return {message.first_sequence(), message.record_count(), std::move(*message.mutable_records())};
}

void write(const Status& status, v1::Status& out) {
  out.set_code(static_cast<int>(status.code()));
  out.set_message(valid_utf8(status.message()));
}

Status read(const v1::Status& message) { return {code_from(message.code()), message.message()}; }

void write(wire::Reply reply, v1::Reply& out) {
  out.set_received(reply.received);
  out.set_executed(reply.executed);
  for (const wire::Failure& failure : reply.failures) {
    v1::Failure& to = *out.add_failures();
    to.set_sequence(failure.sequence);
    write(failure.status, *to.mutable_status());
  }
  for (const std::string& warning : reply.warnings) out.add_warnings(valid_utf8(warning));
  for (wire::RequestedValue& value : reply.values) {
    v1::RequestedValue& to = *out.add_values();
    to.set_request(value.request);
    if (!value.status.ok()) write(value.status, *to.mutable_status());
    to.set_failed_sequence(value.failed_sequence);
    to.set_bytes(std::move(value.bytes));
    to.set_bulk(value.bulk);
    to.set_bulk_bytes(value.bulk_bytes);
    for (const wire::OutputMeta& output : value.outputs) {
      v1::OutputMeta& meta = *to.add_outputs();
      meta.set_defined(output.defined);
      meta.set_storage(output.storage);
      meta.set_storage_bytes(output.storage_bytes);
      meta.set_dtype(static_cast<int>(output.dtype));
      meta.mutable_sizes()->Add(output.sizes.begin(), output.sizes.end());
      meta.mutable_strides()->Add(output.strides.begin(), output.strides.end());
    }
  }
}

StatusOr<wire::Reply> read(v1::Reply& message) {
  wire::Reply reply;
  reply.received = message.received();
  reply.executed = message.executed();
  for (const v1::Failure& failure : message.failures()) {
    reply.failures.push_back({failure.sequence(), read(failure.status())});
  }
  reply.warnings.assign(message.warnings().begin(), message.warnings().end());
  for (v1::RequestedValue& from : *message.mutable_values()) {
    wire::RequestedValue value;
    value.request = from.request();
    value.status = read(from.status());
    value.failed_sequence = from.failed_sequence();
    value.bytes = std::move(*from.mutable_bytes());
    value.bulk = from.bulk();
    value.bulk_bytes = from.bulk_bytes();
    for (const v1::OutputMeta& meta : from.outputs()) {
      if (meta.dtype() < 0 || meta.dtype() >= static_cast<int>(c10::ScalarType::NumOptions) ||
          meta.sizes_size() != meta.strides_size() || static_cast<size_t>(meta.sizes_size()) > wire::kMaxRank) {
        return Status(StatusCode::kInvalidArgument,
                      "an output was described as dtype " + std::to_string(meta.dtype()) + " with " +
                          std::to_string(meta.sizes_size()) + " sizes and " + std::to_string(meta.strides_size()) +
                          " strides, which this build can't read");
      }
      value.outputs.push_back({meta.defined(), meta.storage(), meta.storage_bytes(),
                               static_cast<c10::ScalarType>(meta.dtype()),
                               wire::Dims(meta.sizes().begin(), meta.sizes().end()),
                               wire::Dims(meta.strides().begin(), meta.strides().end())});
    }
    reply.values.push_back(std::move(value));
  }
  return reply;
}

grpc::Status to_grpc(const Status& status) {
  if (status.ok()) return grpc::Status::OK;
  return {static_cast<grpc::StatusCode>(status.code()), valid_utf8(status.message())};
}

Status from_grpc(const grpc::Status& status) { return {code_from(status.error_code()), status.error_message()}; }

}  // namespace remote::proto
