#include <remote/wire/record.h>

namespace remote::wire {

void RecordWriter::verb(Verb verb) {
  ++record_count_;
  out_.u8(static_cast<uint8_t>(verb));
}

void RecordWriter::optional_bytes(std::optional<uint64_t> fresh_bytes) {
  out_.u8(fresh_bytes ? 1 : 0);
  if (fresh_bytes) out_.varint(*fresh_bytes);
}

void RecordWriter::define_op(uint32_t number, std::string_view name, std::string_view overload,
                             std::string_view schema) {
  verb(Verb::kDefineOp);
  out_.varint(number);
  out_.string(name);
  out_.string(overload);
  out_.string(schema);
}

void RecordWriter::begin_run(uint32_t op, uint32_t scope) {
  verb(Verb::kRun);
  out_.varint(op);
  out_.varint(scope);
}

void RecordWriter::end_run() { out_.u8(static_cast<uint8_t>(OutputMode::kNone)); }

void RecordWriter::end_run(c10::ArrayRef<OutputDeclaration> outputs) {
  out_.u8(static_cast<uint8_t>(OutputMode::kDeclared));
  out_.varint(outputs.size());
  for (const auto& output : outputs) write_output_declaration(out_, output);
}

void RecordWriter::end_run_ask(uint64_t request, uint64_t first_id) {
  out_.u8(static_cast<uint8_t>(OutputMode::kAsk));
  out_.varint(request);
  out_.u64(first_id);
}

void RecordWriter::upload_inline(uint64_t storage, std::optional<uint64_t> fresh_bytes, uint64_t offset,
                                 std::string_view bytes) {
  verb(Verb::kUpload);
  out_.u64(storage);
  optional_bytes(fresh_bytes);
  out_.varint(offset);
  out_.varint(0);
  out_.string(bytes);
}

void RecordWriter::upload_transfer(uint64_t storage, std::optional<uint64_t> fresh_bytes, uint64_t offset,
                                   uint64_t transfer, uint64_t bytes) {
  verb(Verb::kUpload);
  out_.u64(storage);
  optional_bytes(fresh_bytes);
  out_.varint(offset);
  out_.varint(transfer);
  out_.varint(bytes);
}

void RecordWriter::fetch(uint64_t request, const TensorRef& tensor) {
  verb(Verb::kFetch);
  out_.varint(request);
  write_tensor_ref(out_, tensor);
}

void RecordWriter::release(c10::ArrayRef<uint64_t> storages) {
  verb(Verb::kRelease);
  out_.varint(storages.size());
  for (uint64_t storage : storages) out_.u64(storage);
}

void RecordWriter::resize(uint64_t storage, std::optional<uint64_t> fresh_bytes, uint64_t bytes) {
  verb(Verb::kResize);
  out_.u64(storage);
  optional_bytes(fresh_bytes);
  out_.varint(bytes);
}

void RecordWriter::synchronize(uint64_t request) {
  verb(Verb::kSynchronize);
  out_.varint(request);
}

void RecordWriter::clear_errors() { verb(Verb::kClearErrors); }

void RecordWriter::define_scope(uint32_t scope, std::string_view path) {
  verb(Verb::kDefineScope);
  out_.varint(scope);
  out_.string(path);
}

void RecordWriter::name_storage(uint64_t storage, std::string_view name) {
  verb(Verb::kNameStorage);
  out_.u64(storage);
  out_.string(name);
}

void RecordWriter::create_generator(uint64_t generator, uint64_t seed) {
  verb(Verb::kCreateGenerator);
  out_.varint(generator);
  out_.u64(seed);
}

void RecordWriter::seed(uint64_t generator, uint64_t seed) {
  verb(Verb::kSeed);
  out_.varint(generator);
  out_.u64(seed);
}

void RecordWriter::fetch_generator_state(uint64_t generator, uint64_t request) {
  verb(Verb::kFetchGeneratorState);
  out_.varint(generator);
  out_.varint(request);
}

void RecordWriter::set_generator_state(uint64_t generator, std::string_view state) {
  verb(Verb::kSetGeneratorState);
  out_.varint(generator);
  out_.string(state);
}

void RecordWriter::fork_generator(uint64_t from, uint64_t to) {
  verb(Verb::kForkGenerator);
  out_.varint(from);
  out_.varint(to);
}

void RecordWriter::release_generator(uint64_t generator) {
  verb(Verb::kReleaseGenerator);
  out_.varint(generator);
}

void RecordWriter::setting(SettingKey key, uint64_t value) {
  verb(Verb::kSetting);
  out_.u8(static_cast<uint8_t>(key));
  out_.varint(value);
}

void RecordWriter::fetch_statistics(uint64_t request) {
  verb(Verb::kFetchStatistics);
  out_.varint(request);
}

void RecordWriter::send_to_peer(uint64_t request, const TensorRef& tensor, const Peer& peer, uint64_t transfer) {
  verb(Verb::kSendToPeer);
  out_.varint(request);
  write_tensor_ref(out_, tensor);
  out_.string(peer.address);
  out_.u64(peer.session);
  out_.string(peer.token);
  out_.varint(transfer);
}

void RecordWriter::rollback(size_t size, uint32_t records) {
  out_.truncate(size);
  record_count_ = records;
}

Batch RecordWriter::take(uint64_t first_sequence) {
  Batch batch{first_sequence, record_count_, out_.take()};
  record_count_ = 0;
  return batch;
}

}  // namespace remote::wire
