#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include <worker/backend/backend.h>
#include <worker/backend/core.h>
#include <worker/backend/executor.h>
#include <worker/backend/interpreter.h>
#include <worker/backend/session_state.h>
#include <worker/backend/transfers.h>

namespace remote::worker {

/// A session: what its carrier calls, and what the executor thread does for it.
class SessionImpl final : public Session, public Task, public std::enable_shared_from_this<SessionImpl> {
 public:
  SessionImpl(std::shared_ptr<Core> core, wire::Welcome welcome, std::shared_ptr<wire::RecordSource> source,
              std::shared_ptr<SessionSink> sink);

  const wire::Welcome& welcome() const override { return welcome_; }
  void wake() override { core_->executor.wake(shared_from_this()); }
  Status supply(const wire::Chunk& chunk) override;
  void disconnect(bool keep_lease) override;

  /// Frees a session whose connection is gone and whose lease has ended. Any thread, once or more.
  void expire();
  /// Whether it only waits for its lease to end.
  bool leased() const { return leased_.load(std::memory_order_acquire); }

 private:
  /// Bytes of fetches and of copies to peers that the carrier has not let go of.
  struct FetchedBytes {
    std::atomic<uint64_t> bytes{0};
    std::weak_ptr<SessionImpl> session;
  };
  struct Bulk {
    ~Bulk();
    c10::DataPtr data;
    uint64_t bytes = 0;
    std::shared_ptr<FetchedBytes> count;
  };

  /// Answers to copies to peers, which come from other threads.
  struct PeerAnswers {
    std::mutex mutex;
    std::vector<wire::RequestedValue> values;
  };

  Step step() override;
  void settle() override;
  void wait_for_device() override;
  void on_detached() override { detached(); }

  Step run();
  Step idle();
  bool take_batch();
  Step end(Status reason);
  void flush();
  /// Whether the device is lost, now that something has thrown.
  bool is_lost(const Status& status);
  void guarded(const std::function<void()>& action);
  bool must_report() const;
  void deliver(wire::Reply& reply, std::vector<std::shared_ptr<Bulk>>& bulks);
  /// The bytes of a delivery, which count as on their way for as long as somebody holds them.
  std::shared_ptr<Bulk> counted(Outbox::Delivery& delivery) const;
  void send_to_peer(Outbox::Delivery delivery);
  bool has_peer_answers();
  void detached();

  const std::shared_ptr<Core> core_;
  const wire::Welcome welcome_;
  std::shared_ptr<wire::RecordSource> source_;
  std::shared_ptr<SessionSink> sink_;
  const std::shared_ptr<FetchedBytes> fetched_;
  Transfers transfers_;
  const std::shared_ptr<PeerAnswers> peer_answers_ = std::make_shared<PeerAnswers>();

  // The executor thread's.
  SessionState state_;
  Interpreter interpreter_;
  wire::Batch batch_;
  std::optional<wire::ByteReader> reader_;  // into batch_; nothing between batches
  uint64_t received_ = 0;                   // sequence numbers
  uint64_t executed_ = 0;
  uint64_t reported_ = 0;          // the last `executed` that the client was told
  uint64_t unreported_bytes_ = 0;  // of batches that ran since
  bool ended_ = false;

  std::atomic<bool> disconnected_{false};
  std::atomic<bool> keep_lease_{false};
  std::atomic<bool> leased_{false};
  std::atomic<bool> freed_{false};
  std::atomic<bool> refused_{false};  // refusal_ is there
  std::mutex refusal_mutex_;
  Status refusal_;  // of what came over the bulk connection
};

}  // namespace remote::worker
