#pragma once
#include <atomic>
#include <cstdint>
#include <memory>

#include <remote/wire/record.h>
#include <worker/backend/core.h>
#include <worker/backend/runner.h>
#include <worker/backend/session_state.h>
#include <worker/backend/transfers.h>

namespace remote::worker {

/// Carries out the records of one session, one at a time. Used on the executor thread.
class Interpreter {
 public:
  enum class Outcome {
    kDone,
    /// Bytes of an upload are missing, or too much that was fetched is on its way: nothing was done, the record must
    /// come again.
    kWait,
    kEnd,  ///< the stream can't go on: end_reason()
  };

  /// `fetched_bytes`: of bulk fetches and copies to peers that are on their way. A fetch adds to it; whoever lets go of
  /// the bytes takes from it.
  Interpreter(Core& core, SessionState& state, Transfers& transfers, std::atomic<uint64_t>& fetched_bytes)
      : core_(core),
        state_(state),
        transfers_(transfers),
        fetched_bytes_(fetched_bytes),
        runner_(core, state),
        inputs_(*core.device, state.storages, state.generators) {}

  /// Carries out the record that `in` stands at.
  Outcome execute(wire::ByteReader& in, uint64_t sequence);
  const Status& end_reason() const { return end_; }

 private:
  Outcome define_op(wire::ByteReader& in);
  Outcome upload(wire::ByteReader& in, uint64_t sequence);
  Outcome fetch(wire::ByteReader& in, uint64_t sequence);
  Outcome release(wire::ByteReader& in);
  Outcome resize(wire::ByteReader& in, uint64_t sequence);
  Outcome synchronize(wire::ByteReader& in);
  Outcome define_scope(wire::ByteReader& in);
  Outcome name_storage(wire::ByteReader& in);
  Outcome generator(wire::ByteReader& in, wire::Verb verb, uint64_t sequence);
  Outcome fetch_generator_state(wire::ByteReader& in, uint64_t sequence);
  Outcome setting(wire::ByteReader& in, uint64_t sequence);
  Outcome fetch_statistics(wire::ByteReader& in);
  Outcome send_to_peer(wire::ByteReader& in, uint64_t sequence);
  /// Whether so much more may be on its way to the client or to peers.
  bool has_room_for(uint64_t bytes) const;
  /// A storage that a failed record was to fill: poisoned where the record made it, else it has missed a write.
  void spoil(StatusOr<StorageEntry*>& entry, uint64_t storage, bool fresh, const RootErrorPtr& root);

  Outcome end(Status reason);
  /// Done, unless the record's bytes were cut off.
  Outcome finish(const wire::ByteReader& in, const char* what);
  RootErrorPtr fail(const char* what, uint64_t sequence, const Status& status);
  StatusOr<StorageEntry*> target(uint64_t storage, std::optional<uint64_t> fresh_bytes);
  void store(StorageEntry& entry, uint64_t offset, c10::DataPtr data, uint64_t bytes);
  void answer(wire::RequestedValue value);
  /// Takes a view's values along for a delivery: dense, conj and neg resolved. Else the delivery says why not.
  void read_values(const wire::TensorRef& ref, uint64_t sequence, const char* what, Outbox::Delivery& delivery);

  Core& core_;
  SessionState& state_;
  Transfers& transfers_;
  std::atomic<uint64_t>& fetched_bytes_;
  Runner runner_;
  Arguments inputs_;
  Status end_;
};

}  // namespace remote::worker
