#include <worker/backend/interpreter.h>

#include <ATen/ATen.h>

#include <cstring>

#include <remote/wire/limits.h>
#include <worker/backend/errors.h>

namespace remote::worker {
namespace {

using wire::ByteReader;
using wire::kMaxNameBytes;
using wire::kMaxScopes;
using wire::Verb;

constexpr uint64_t kMaxOperations = 1 << 16;
constexpr size_t kMaxSchemaBytes = 16 << 10;
constexpr size_t kMaxGeneratorStateBytes = 64 << 10;
constexpr size_t kMaxAddressBytes = 512;
constexpr size_t kMaxTokenBytes = 256;

struct FreshBytes {
  bool valid = true;
  std::optional<uint64_t> bytes;
};

FreshBytes read_fresh(ByteReader& in) {
  switch (in.u8()) {
    case 0:
      return {};
    case 1: {
      const uint64_t bytes = in.varint();
      return {bytes <= wire::kMaxStorageBytes, bytes};
    }
    default:
      return {false, {}};
  }
}

}  // namespace

Interpreter::Outcome Interpreter::end(Status reason) {
  end_ = std::move(reason);
  return Outcome::kEnd;
}

Interpreter::Outcome Interpreter::finish(const ByteReader& in, const char* what) {
  if (in.ok()) return Outcome::kDone;
  return end({StatusCode::kInvalidArgument, std::string("a record that can't be read: ") + what});
}

RootErrorPtr Interpreter::fail(const char* what, uint64_t sequence, const Status& status) {
  return state_.fail(sequence, {status.code(), std::string(what) + ": " + status.message() + " (record " +
                                                   std::to_string(sequence) + ", worker " + core_.worker_name + ")"});
}

void Interpreter::answer(wire::RequestedValue value) {
  state_.outbox.deliveries.push_back({std::move(value), {}, 0, nullptr});
}

Interpreter::Outcome Interpreter::execute(ByteReader& in, uint64_t sequence) {
  switch (const auto verb = static_cast<Verb>(in.u8()); verb) {
    case Verb::kRun: {
      Status status = runner_.run(in, sequence);
      return status.ok() ? Outcome::kDone : end(std::move(status));
    }
    case Verb::kRelease:
      return release(in);
    case Verb::kUpload:
      return upload(in, sequence);
    case Verb::kFetch:
      return fetch(in, sequence);
    case Verb::kDefineOp:
      return define_op(in);
    case Verb::kResize:
      return resize(in, sequence);
    case Verb::kSynchronize:
      return synchronize(in);
    case Verb::kClearErrors:
      return state_.storages.clear_stale(), Outcome::kDone;
    case Verb::kDefineScope:
      return define_scope(in);
    case Verb::kNameStorage:
      return name_storage(in);
    case Verb::kCreateGenerator:
    case Verb::kSeed:
    case Verb::kSetGeneratorState:
    case Verb::kForkGenerator:
    case Verb::kReleaseGenerator:
      return generator(in, verb, sequence);
    case Verb::kFetchGeneratorState:
      return fetch_generator_state(in, sequence);
    case Verb::kSetting:
      return setting(in, sequence);
    case Verb::kFetchStatistics:
      return fetch_statistics(in);
    case Verb::kSendToPeer:
      return send_to_peer(in, sequence);
  }
  return end({StatusCode::kInvalidArgument, "a record with a verb that this worker does not know"});
}

Interpreter::Outcome Interpreter::define_op(ByteReader& in) {
  const uint64_t number = in.varint();
  const auto name = in.string(kMaxNameBytes);
  const auto overload = in.string(kMaxNameBytes);
  const auto schema = in.string(kMaxSchemaBytes);
  if (!in.ok()) return finish(in, "the definition of an op");
  if (number >= kMaxOperations || state_.operation(number) != nullptr) {
    return end({StatusCode::kInvalidArgument,
                "op number " + std::to_string(number) + " is beyond the limit, or was defined before"});
  }
  auto operation = core_.operations.find(name, overload, schema);
  if (!operation.ok()) return end(operation.status());
  if (number >= state_.operations.size()) state_.operations.resize(number + 1);
  state_.operations[number] = std::move(*operation);
  return Outcome::kDone;
}

StatusOr<StorageEntry*> Interpreter::target(uint64_t storage, std::optional<uint64_t> fresh_bytes) {
  if (fresh_bytes) return state_.storages.add(storage, *fresh_bytes);
  StorageEntry* entry = state_.storages.find(storage);
  if (entry != nullptr && !entry->is_opaque) return entry;
  return Status(StatusCode::kNotFound,
                "storage " + std::to_string(storage) +
                    (entry == nullptr ? " is not in this session: it was never made, or was released"
                                      : " is opaque: only the op that made it knows its layout"));
}

Interpreter::Outcome Interpreter::upload(ByteReader& in, uint64_t sequence) {
  const uint64_t storage = in.u64();
  const FreshBytes fresh = read_fresh(in);
  const uint64_t offset = in.varint();
  const uint64_t transfer = in.varint();
  std::string_view inline_bytes;
  uint64_t bytes = 0;
  if (transfer == 0) {
    inline_bytes = in.string(wire::kMaxStringBytes);
    bytes = inline_bytes.size();
  } else {
    bytes = in.varint();
    if (bytes == 0 || bytes > wire::kTransferBytes) in.fail();
  }
  if (storage == 0 || !fresh.valid) in.fail();
  if (!in.ok()) return finish(in, "an upload");

  c10::DataPtr data;
  Status given_up;
  if (transfer != 0) {
    switch (transfers_.take(transfer, bytes, data, given_up)) {
      case Transfers::Taken::kYes:
      case Transfers::Taken::kGivenUp:
        break;
      case Transfers::Taken::kNotYet:
        return Outcome::kWait;
      case Transfers::Taken::kOtherSize:
        return end({StatusCode::kInvalidArgument, "transfer " + std::to_string(transfer) +
                                                      " has another length than the " + std::to_string(bytes) +
                                                      " bytes that its record says"});
    }
  }
  auto entry = target(storage, fresh.bytes);
  Status status = given_up.ok() ? entry.status() : given_up;
  if (status.ok() && (offset > (*entry)->bytes || bytes > (*entry)->bytes - offset)) {
    status = {StatusCode::kOutOfRange, "bytes " + std::to_string(offset) + " to " + std::to_string(offset + bytes) +
                                           " are not all in a storage of " + std::to_string((*entry)->bytes) +
                                           " bytes"};
  }
  if (status.ok()) {
    try {
      if (transfer == 0) {
        data = core_.device->allocate_host(bytes);
        if (bytes != 0) std::memcpy(data.get(), inline_bytes.data(), bytes);
      }
      store(**entry, offset, std::move(data), bytes);
      return Outcome::kDone;
    } catch (const std::exception& error) {
      status = status_of(error);
    }
  }
  spoil(entry, storage, fresh.bytes.has_value(), fail("an upload", sequence, status));
  return Outcome::kDone;
}

void Interpreter::store(StorageEntry& entry, uint64_t offset, c10::DataPtr data, uint64_t bytes) {
  if (bytes == entry.bytes) {
    entry.storage = core_.device->adopt(std::move(data), bytes);
    return entry.heal();
  }
  core_.device->write(state_.storages.materialize(entry, /*overwritten=*/false), offset, std::move(data), bytes);
  if (entry.healthy()) return;
  // A large storage comes in pieces: together they are a full overwrite.
  if (offset == 0) entry.rewritten_bytes = 0;
  if (offset == entry.rewritten_bytes) entry.rewritten_bytes += bytes;
  if (entry.rewritten_bytes == entry.bytes) entry.heal();
}

void Interpreter::read_values(const wire::TensorRef& ref, uint64_t sequence, const char* what,
                              Outbox::Delivery& delivery) {
  wire::RequestedValue& value = delivery.value;
  at::Tensor tensor = inputs_.resolve_input(ref);
  Status status = inputs_.problem();
  if (inputs_.root()) {
    status = inputs_.root()->status;
    value.failed_sequence = inputs_.root()->sequence;
  } else if (status.ok() && state_.storages.find(ref.storage)->is_opaque) {
    status = {StatusCode::kInvalidArgument, "it is opaque: only the op that made it knows its layout"};
  }
  if (status.ok()) {
    try {
      tensor = tensor.resolve_conj().resolve_neg().contiguous();
      delivery.byte_count = tensor.nbytes();
      delivery.bytes = core_.device->read(tensor);
      delivery.ticket = state_.lane->mark();
    } catch (const std::exception& error) {
      status = status_of(error);
      delivery.byte_count = 0;
      delivery.bytes.clear();
      if (core_.device->lost()) core_.lose_device(status);
    }
  }
  if (!status.ok() && value.failed_sequence == 0) {
    value.failed_sequence = sequence;
    status = {status.code(), std::string(what) + " of " + describe(ref) + ": " + status.message() + " (record " +
                                 std::to_string(sequence) + ", worker " + core_.worker_name + ")"};
  }
  inputs_.end();
  value.status = std::move(status);
}

bool Interpreter::has_room_for(uint64_t bytes) const {
  const uint64_t on_its_way = fetched_bytes_.load(std::memory_order_acquire);
  return on_its_way == 0 || on_its_way + bytes <= core_.options.limits.max_inflight_transfer_bytes;
}

Interpreter::Outcome Interpreter::fetch(ByteReader& in, uint64_t sequence) {
  Outbox::Delivery delivery;
  delivery.value.request = in.varint();
  const wire::TensorRef ref = wire::read_tensor_ref(in);
  if (!in.ok()) return finish(in, "a fetch");
  const uint64_t elements = wire::view_elements(ref.sizes).value_or(0);
  const uint64_t bytes = elements * c10::elementSize(ref.dtype);
  const bool bulk = bytes > wire::kInlineBytes;
  if (bulk && !has_room_for(bytes)) return Outcome::kWait;
  read_values(ref, sequence, "a fetch", delivery);
  if (bulk && delivery.value.status.ok()) {
    delivery.value.bulk = true;
    delivery.value.bulk_bytes = bytes;
    fetched_bytes_.fetch_add(bytes, std::memory_order_relaxed);
  }
  state_.outbox.deliveries.push_back(std::move(delivery));
  return Outcome::kDone;
}

Interpreter::Outcome Interpreter::send_to_peer(ByteReader& in, uint64_t sequence) {
  Outbox::Delivery delivery;
  delivery.value.request = in.varint();
  const wire::TensorRef ref = wire::read_tensor_ref(in);
  wire::Peer peer;
  peer.address = in.string(kMaxAddressBytes);
  peer.session = in.u64();
  peer.token = in.string(kMaxTokenBytes);
  delivery.transfer = in.varint();
  const uint64_t bytes = wire::view_elements(ref.sizes).value_or(0) * c10::elementSize(ref.dtype);
  if (in.ok() && (bytes > wire::kTransferBytes || (bytes == 0) != (delivery.transfer == 0))) in.fail();
  if (!in.ok()) return finish(in, "a copy to a peer");
  if (!core_.options.peers) {
    delivery.value.status = {StatusCode::kUnimplemented,
                             "worker " + core_.worker_name + " sends nothing to other workers"};
    answer(std::move(delivery.value));
    return Outcome::kDone;
  }
  if (bytes != 0) {
    if (!has_room_for(bytes)) return Outcome::kWait;
    read_values(ref, sequence, "a copy to a peer", delivery);
  }
  if (delivery.value.status.ok()) {
    fetched_bytes_.fetch_add(bytes, std::memory_order_relaxed);
    delivery.peer = std::move(peer);
  }
  state_.outbox.deliveries.push_back(std::move(delivery));
  return Outcome::kDone;
}

Interpreter::Outcome Interpreter::release(ByteReader& in) {
  const size_t count = in.count(wire::kMaxListElements);
  for (size_t i = 0; i < count && in.ok(); ++i) state_.storages.release(in.u64());
  return finish(in, "a release");
}

Interpreter::Outcome Interpreter::resize(ByteReader& in, uint64_t sequence) {
  const uint64_t storage = in.u64();
  const FreshBytes fresh = read_fresh(in);
  const uint64_t bytes = in.varint();
  if (storage == 0 || !fresh.valid || bytes > wire::kMaxStorageBytes) in.fail();
  if (!in.ok()) return finish(in, "a resize");
  auto entry = target(storage, fresh.bytes);
  Status status = entry.status();
  if (status.ok() && bytes > (*entry)->bytes) status = state_.storages.check_room(bytes - (*entry)->bytes);
  if (status.ok()) {
    try {
      c10::Storage grown = core_.device->allocate(bytes);
      core_.device->zero(grown);
      wire::TensorRef content;
      content.dtype = c10::ScalarType::Byte;
      content.sizes = {static_cast<int64_t>(std::min(bytes, (*entry)->bytes))};
      content.strides = {1};
      if ((*entry)->storage && content.sizes[0] != 0) {
        make_view(*core_.device, grown, content).copy_(make_view(*core_.device, (*entry)->storage, content));
      }
      (*entry)->storage = std::move(grown);
      state_.storages.set_bytes(**entry, bytes);
      return Outcome::kDone;
    } catch (const std::exception& error) {
      status = status_of(error);
    }
  }
  spoil(entry, storage, fresh.bytes.has_value(), fail("a resize", sequence, status));
  return Outcome::kDone;
}

void Interpreter::spoil(StatusOr<StorageEntry*>& entry, uint64_t storage, bool fresh, const RootErrorPtr& root) {
  // Without its bytes if need be, so that what uses it later is told of this error.
  if (!entry.ok() && fresh) entry = state_.storages.add(storage, 0);
  if (!entry.ok()) return;
  if (fresh) {
    (*entry)->poison(root);
  } else {
    (*entry)->miss(root);
  }
}

Interpreter::Outcome Interpreter::synchronize(ByteReader& in) {
  wire::RequestedValue value;
  value.request = in.varint();
  if (!in.ok()) return finish(in, "a synchronisation");
  state_.outbox.deliveries.push_back({std::move(value), {}, 0, state_.lane->mark()});
  return Outcome::kDone;
}

Interpreter::Outcome Interpreter::define_scope(ByteReader& in) {
  const uint64_t scope = in.varint();
  const auto path = in.string(kMaxNameBytes);
  if (!in.ok() || state_.scopes.size() >= kMaxScopes) {
    in.fail();
  } else {
    state_.scopes[scope] = path;
  }
  return finish(in, "the definition of a scope, or one too many");
}

Interpreter::Outcome Interpreter::name_storage(ByteReader& in) {
  const uint64_t storage = in.u64();
  const auto name = in.string(kMaxNameBytes);
  if (in.ok()) state_.storages.set_name(storage, name);
  return finish(in, "the name of a storage");
}

Interpreter::Outcome Interpreter::generator(ByteReader& in, Verb verb, uint64_t sequence) {
  const uint64_t id = in.varint();
  uint64_t number = 0;
  std::string_view bytes;
  if (verb == Verb::kCreateGenerator || verb == Verb::kSeed) number = in.u64();
  if (verb == Verb::kForkGenerator) number = in.varint();
  if (verb == Verb::kSetGeneratorState) bytes = in.string(kMaxGeneratorStateBytes);
  if (!in.ok()) return finish(in, "a generator's record");
  Generators& generators = state_.generators;
  Status status;
  try {
    switch (verb) {
      case Verb::kCreateGenerator:
        status = generators.create(id, number);
        break;
      case Verb::kSeed:
        status = generators.seed(id, number);
        break;
      case Verb::kForkGenerator:
        status = generators.fork(id, number);
        break;
      case Verb::kSetGeneratorState:
        status = generators.set_state(id, bytes);
        break;
      default:
        generators.release(id);
        break;
    }
  } catch (const std::exception& error) {
    status = status_of(error);
  }
  if (!status.ok()) fail("a generator", sequence, status);
  return Outcome::kDone;
}

Interpreter::Outcome Interpreter::fetch_generator_state(ByteReader& in, uint64_t sequence) {
  const uint64_t id = in.varint();
  wire::RequestedValue value;
  value.request = in.varint();
  if (!in.ok()) return finish(in, "a fetch of a generator's state");
  auto state = state_.generators.state(id);
  if (state.ok()) {
    value.bytes = std::move(*state);
  } else {
    value.status = state.status();
    value.failed_sequence = sequence;
  }
  answer(std::move(value));
  return Outcome::kDone;
}

Interpreter::Outcome Interpreter::setting(ByteReader& in, uint64_t sequence) {
  const uint8_t key = in.u8();
  const uint64_t value = in.varint();
  if (!in.ok()) return finish(in, "a setting");
  if (Status status = state_.settings.set(key, value); !status.ok()) {
    fail("a setting", sequence, status);
  } else {
    core_.apply_settings(state_.settings);
  }
  return Outcome::kDone;
}

Interpreter::Outcome Interpreter::fetch_statistics(ByteReader& in) {
  wire::RequestedValue value;
  value.request = in.varint();
  if (!in.ok()) return finish(in, "a fetch of the counters");
  wire::SessionStatistics statistics = state_.statistics;
  statistics.storages = state_.storages.size();
  statistics.storage_bytes = state_.storages.bytes();
  value.bytes = encode(statistics);
  answer(std::move(value));
  return Outcome::kDone;
}

}  // namespace remote::worker
