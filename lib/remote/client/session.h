#pragma once
#include <c10/util/FunctionRef.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <remote/base/status.h>
#include <remote/client/call_sites.h>
#include <remote/client/counters.h>
#include <remote/client/error_log.h>
#include <remote/client/pending_value.h>
#include <remote/client/storage_id.h>
#include <remote/transport/connection.h>
#include <remote/wire/record.h>
#include <remote/wire/record_source.h>

namespace c10 {
class OperatorHandle;
}

namespace remote::client {

struct SessionOptions {
  transport::ConnectOptions connect;
  /// What the worker asks for, when it asks for one.
  std::string credential;
  /// Prints each synchronisation and its place to stderr. REMOTE_WARN_SYNC=1 turns it on as well.
  bool warn_sync = false;
  /// Errors of the worker say where in the program their op was recorded; see CallSites. REMOTE_RECORD_SITES=1 turns it
  /// on as well.
  bool record_sites = false;
  /// How long close() waits for the worker's farewell.
  std::chrono::milliseconds close_timeout{2000};
};

/// One ordered stream of records to one worker.
///
/// Thread-safe. A record's place in the stream is the order in which the calls took the stream's lock. Only release()
/// and release_generator() may be called while the calling thread is inside a `write` callback, or in a destructor.
///
/// What blocks: recording, while the worker is further behind than its limits allow (credit); upload(), for bulk
/// credit; synchronize() and PendingValue::wait(), for the worker. When the connection ends every waiter returns its
/// status (UNAVAILABLE as a rule), and so does every later call. In a forked child every call returns
/// FAILED_PRECONDITION.
class Session final : private wire::RecordSource,
                      private transport::Listener,
                      public std::enable_shared_from_this<Session> {
 public:
  using Write = c10::function_ref<Status(wire::RecordWriter&)>;
  using Deadline = std::optional<PendingValue::Clock::time_point>;
  using WriteRequest = c10::function_ref<Status(wire::RecordWriter&, uint64_t request)>;

  /// Connects and shakes hands. Blocks at most about `options.connect.timeout`. Errors: those of transport::connect().
  static StatusOr<std::shared_ptr<Session>> connect(const std::string& address, const SessionOptions& options = {});
  /// How a session gets its connection; tests pass their own.
  using Connector = c10::function_ref<StatusOr<std::unique_ptr<transport::Connection>>(
      const wire::Hello&, wire::RecordSource&, transport::Listener&)>;
  static StatusOr<std::shared_ptr<Session>> connect_with(const std::string& address, const SessionOptions& options,
                                                         Connector connector);
  ~Session() override;

  const wire::Welcome& welcome() const { return welcome_; }
  const std::string& address() const { return address_; }

  /// Appends a record (or several) and returns the sequence number of the last. `write` runs under the stream's lock
  /// and must not block; when it fails, nothing of it stays in the stream except definitions made first. With kYes, an
  /// error that nobody has seen yet is returned instead, and nothing is recorded. DEADLINE_EXCEEDED: past `deadline`
  /// there is no credit yet; nothing is recorded. `here`: call_site(), for errors to say.
  StatusOr<uint64_t> record(Write write, ReportErrors report = ReportErrors::kYes, Deadline deadline = {},
                            CallSites::Here here = nullptr);
  /// Where the caller stands; null where nobody has asked for call sites. Under no lock: it may take Python's.
  CallSites::Here call_site() const { return sites_ ? CallSites::here() : nullptr; }

  /// Inside record(), before begin_run() and once for each run: the op's number, which the first use defines.
  /// `identity` stands for this op alone as long as the process lives; a handle may come to mean another op when a
  /// library of ops is unloaded.
  uint32_t op_number(const void* identity, const c10::OperatorHandle& op);
  /// Inside record(), before the record that uses it: defines a scope that the worker does not know yet. Returns what
  /// stands for it: 0, no scope, once the session has defined as many as it may.
  uint32_t define_scope_if_new(uint32_t scope, c10::function_ref<std::string()> path);

  /// Inside record(): what was written so far stays in the stream, also when `write` fails.
  void keep_written();

  /// Says that nobody refers to a storage any more. Never blocks and needs no credit; any thread, under any lock.
  /// Stands in the stream behind all that was recorded before the call. Dropped when the session has ended.
  void release(uint64_t storage) noexcept;
  void release_generator(uint64_t generator) noexcept;

  /// A storage's length, when the stream has not mentioned it before. Asked once, under the stream's lock, when the
  /// record is written.
  using FreshBytes = c10::function_ref<std::optional<uint64_t>()>;

  /// Writes bytes into a storage at its place in the stream; the source may be overwritten on return. Large uploads are
  /// several records and may block for bulk credit; concurrent ones wait for each other.
  Status upload(uint64_t storage, FreshBytes fresh_bytes, uint64_t offset, const void* data, uint64_t bytes);

  /// Whether this worker can send to the worker of `peer`: it is asked the first time, a round trip that counts as a
  /// synchronisation.
  bool reaches(const Session& peer);
  /// Writes `bytes` from `from_offset` of a storage here into one of `peer`, another session, without passing through
  /// this process: a record in each stream. Blocks for the peer's bulk credit. What fails on the way fails the write
  /// there.
  Status send(uint64_t from_storage, uint64_t from_offset, Session& peer, uint64_t storage, FreshBytes fresh_bytes,
              uint64_t offset, uint64_t bytes);

  /// Asks for a tensor's values as of this place in the stream. Does not wait for them.
  std::shared_ptr<PendingValue> fetch(const wire::TensorRef& tensor);
  /// Records something that the worker answers. `target`: of a fetch. Never null: when recording fails, wait() says so.
  std::shared_ptr<PendingValue> request(WriteRequest write, std::optional<FetchTarget> target = std::nullopt,
                                        Deadline deadline = {}, CallSites::Here here = nullptr);

  /// An answer that is complete when all that was recorded before has run. Does not wait for it.
  std::shared_ptr<PendingValue> request_mark(Deadline deadline = {});
  /// Whether all that was recorded has run, as far as the worker has told. Does not wait.
  bool has_run_all() const;
  /// Waits until all that was recorded before has run, then reports the error that nobody has seen, if there is one.
  /// Counts as a synchronisation at `place`. DEADLINE_EXCEEDED after `timeout`.
  Status synchronize(std::string_view place = "synchronize", std::optional<std::chrono::milliseconds> timeout = {});
  /// Makes stale storages usable again, as a record: no round trip.
  Status clear_errors();
  /// The error that nobody has seen yet, taken; ok when there is none. Does not wait.
  Status take_error() { return errors_->take(); }

  Counters counters() const;
  /// Counts a wait for the worker. `place` names what waited: "Tensor.item", "aten::nonzero", ...
  void count_synchronisation(std::string_view place);
  /// How often each place has waited.
  std::map<std::string, uint64_t> synchronisation_places() const;

  /// Ends the session: the worker frees all it holds for it. What was recorded and not yet sent is dropped;
  /// synchronize() first where it matters. Waits at most the close timeout. Later calls return FAILED_PRECONDITION.
  void close();
  /// Whether this process is a forked child of the one that opened it. Thread-safe.
  bool forked() const;
  /// Whether records can still be sent.
  bool alive() const { return !ended_flag_.load(std::memory_order_acquire); }

 private:
  /// Of a storage that the stream has mentioned.
  static std::optional<uint64_t> no_fresh_bytes() { return std::nullopt; }

  /// What was recorded and has not been executed: a batch of records, or the record of a transfer.
  struct Outstanding {
    uint64_t last_sequence;
    uint64_t bytes;
  };

  Session(std::string address, const SessionOptions& options);

  std::optional<wire::Batch> take(size_t max_bytes) override;
  void on_reply(wire::Reply reply) override;
  void on_chunk(const wire::Chunk& chunk) override;
  void on_closed(Status reason) override;

  Status forked_status() const;
  /// All with mutex_ held.
  uint64_t last_sequence() const { return open_first_ + writer_.record_count() - 1; }
  bool has_credit() const;
  void splice_releases();
  wire::Batch cut();

  Status upload_pieces(uint64_t storage, FreshBytes fresh_bytes, uint64_t offset, const char* data, uint64_t bytes);
  /// With mutex_ held: returns when there is room, or with what ended the session.
  Status wait_for_credit(std::unique_lock<std::mutex>& lock, c10::function_ref<bool()> has_room,
                         Deadline deadline = {});
  Status wait_for_transfer_credit(uint64_t bytes);
  /// Records an upload whose bytes come as `transfer`.
  Status record_transfer(uint64_t storage, FreshBytes fresh_bytes, uint64_t offset, uint64_t transfer, uint64_t bytes,
                         ReportErrors report);
  /// Tells the worker that a transfer won't come. Doesn't wait for it.
  void give_up(uint64_t transfer, const Status& why);
  wire::Peer as_peer() const { return {welcome_.peer_address, welcome_.session, welcome_.token}; }
  /// Adds where the record was made, where that is known.
  void tell_site(Status& status, uint64_t sequence);
  /// The worker went away, for this reason.
  void lost(const Status& reason);
  /// What every later call returns; the first one stays. Wakes every waiter.
  void end(const Status& status);
  void queue_release(std::vector<uint64_t>& list, uint64_t id) noexcept;
  void wake_if_idle();
  void wake_carrier();
  Status send_chunk(const wire::Chunk& chunk);
  /// Frees what only an open session needs.
  void forget_stream();

  const std::string address_;
  const SessionOptions options_;
  const uint64_t fork_generation_;
  const std::shared_ptr<ErrorLog> errors_;
  const std::unique_ptr<CallSites> sites_;  // where they are asked for
  std::shared_mutex connection_mutex_;      // shared: a call into the connection; else the closed one is taken away
  std::unique_ptr<transport::Connection> connection_;
  wire::Welcome welcome_;

  mutable std::mutex mutex_;  // the stream's lock; guards what follows, up to the next mutex
  std::condition_variable credit_;
  wire::RecordWriter writer_;       // records behind all of sealed_
  std::deque<wire::Batch> sealed_;  // full batches that the carrier has not taken
  uint64_t open_first_ = 1;         // sequence number of writer_'s first record
  uint64_t executed_ = 0;
  std::deque<Outstanding> batches_;  // sealed or sent
  uint64_t batch_bytes_ = 0;         // their sum
  std::deque<Outstanding> transfers_;
  uint64_t transfer_bytes_ = 0;
  size_t seal_bytes_;         // a longer writer_ becomes a batch
  size_t rollback_size_ = 0;  // where a failing write is cut off
  uint32_t rollback_records_ = 0;
  uint32_t credit_waiters_ = 0;
  std::optional<Status> ended_;
  std::unordered_map<const void*, uint32_t> op_numbers_;
  std::vector<bool> scopes_;  // defined ones
  size_t scope_count_ = 0;
  Counters counters_;

  // Held only for a push or a swap, and never while taking another lock: a deleter may run anywhere.
  std::mutex release_mutex_;
  std::vector<uint64_t> released_;
  std::vector<uint64_t> released_generators_;
  std::vector<uint64_t> splice_buffer_;  // guarded by mutex_

  std::mutex peers_mutex_;
  std::unordered_map<uint64_t, bool> reached_;  // sessions of other workers
  std::mutex give_up_mutex_;
  std::vector<std::future<void>> giving_up_;  // transfers; each sends one chunk

  std::mutex upload_mutex_;  // one upload at a time, so that transfers go in the order of their records

  std::mutex values_mutex_;
  std::unordered_map<uint64_t, std::shared_ptr<PendingValue>> values_;

  mutable std::mutex synchronisation_mutex_;
  std::map<std::string, uint64_t> synchronisation_places_;

  std::atomic<bool> awake_{false};  // the carrier has been told and has not yet found the source empty
  std::atomic<bool> ended_flag_{false};
  std::atomic<bool> has_releases_{false};
  std::atomic<uint64_t> next_request_{1};
};

}  // namespace remote::client
