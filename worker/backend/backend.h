#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <remote/base/status.h>
#include <remote/wire/record_source.h>
#include <remote/wire/reply.h>
#include <worker/backend/peers.h>

namespace remote::worker {

/// Where a session's replies and fetched bytes go: a carrier implements it. Calls come from the executor thread, one at
/// a time per session; they must not block (a carrier that can't send right now queues).
class SessionSink {
 public:
  virtual ~SessionSink() = default;
  virtual void on_reply(wire::Reply reply) = 0;
  /// The bytes of a fetch announced with `bulk` in a reply. `owner` keeps them alive as long as the carrier needs them.
  virtual void on_bulk(uint64_t transfer, std::shared_ptr<const void> owner, const void* data, uint64_t bytes) = 0;
};

/// One client's state on this worker: its stream, storages, generators and settings. Owned by the backend; handles are
/// shared. Thread-safe.
class Session {
 public:
  virtual ~Session() = default;
  virtual const wire::Welcome& welcome() const = 0;
  /// The record source has records. Never blocks.
  virtual void wake() = 0;
  /// A piece of an upload, in order within its transfer; copied before return. RESOURCE_EXHAUSTED when the client
  /// exceeds its limit, INVALID_ARGUMENT when the piece does not fit the transfer: either ends the session.
  virtual Status supply(const wire::Chunk& chunk) = 0;
  /// The carrier is gone, and `sink` and `source` with it, once this returned. With `keep_lease` the session's state
  /// stays until the lease ends, else it is freed now.
  virtual void disconnect(bool keep_lease) = 0;
};

struct BackendOptions {
  /// "auto" (CUDA when there is one, else CPU), "cpu" or "cuda:N".
  std::string device = "auto";
  /// Intra-op threads of the executor; 0 leaves LibTorch's default.
  int threads = 0;
  /// How long a session outlives its connection.
  uint32_t lease_ms = 30000;
  /// Shared libraries with ops of other namespaces, loaded before the first session; see load_op_library().
  std::vector<std::string> op_libraries;
  /// Ops of these namespaces run besides aten's allow-list ("torchvision", ...). Where the client shares the process,
  /// those of every namespace do: it could call them itself.
  std::vector<std::string> allowed_namespaces;
  /// Waits for the device after each op, so that a late CUDA error names the right one.
  bool sync_kernels = false;
  /// Bytes of storages one session may hold; 0: no limit but memory.
  uint64_t max_session_bytes = 0;
  /// When set, a client must show the same credential.
  std::string credential;
  /// What the handshake tells clients that other workers can connect to.
  std::string peer_address;
  /// How copies go straight to other workers; null: they don't.
  std::shared_ptr<Peers> peers;
  wire::Limits limits;
  /// Called once, from the executor thread, when the device can't be used any more (a CUDA error that destroyed the
  /// context). Every session has been told; nothing runs afterwards, and only another process can use the device again.
  std::function<void(const Status&)> on_device_lost;
  /// Called from the executor thread when there has been no session for a second after the last one ended.
  std::function<void()> on_idle;
  /// The client lives in this process, so that default dtype, deterministic algorithms and the like are its own as
  /// well. They are then compared and not set: an op that was queued under another setting fails.
  bool shares_process = false;
};

/// Counters over all sessions, for metrics and tests.
struct BackendStatistics {
  uint64_t sessions = 0;
  uint64_t sessions_opened = 0;
  uint64_t ops = 0;
  uint64_t failed_ops = 0;
  uint64_t storages = 0;
  uint64_t storage_bytes = 0;
};

/// A worker without a network: sessions, an executor thread for the device, limits, counters. Thread-safe.
class Backend {
 public:
  /// INVALID_ARGUMENT: no such device string, or an op library that can't be loaded. UNAVAILABLE: the device is not
  /// there.
  static StatusOr<std::unique_ptr<Backend>> create(BackendOptions options);
  virtual ~Backend() = default;

  /// Opens a session. `source` and `sink` are used until Session::disconnect() returned. FAILED_PRECONDITION: another
  /// protocol version (the text names both and what to update). UNAUTHENTICATED: another credential. UNAVAILABLE:
  /// draining, or the device is lost.
  virtual StatusOr<std::shared_ptr<Session>> open(const wire::Hello& hello, std::shared_ptr<wire::RecordSource> source,
                                                  std::shared_ptr<SessionSink> sink) = 0;
  /// The device that was chosen, as the handshake names it: "cpu", "cuda:0 (NVIDIA H200)".
  virtual std::string device_name() const = 0;
  virtual BackendStatistics statistics() const = 0;
  /// Takes no new session and waits up to `timeout_ms` for the open ones to end; says whether all did.
  virtual bool drain(uint32_t timeout_ms) = 0;
};

}  // namespace remote::worker
