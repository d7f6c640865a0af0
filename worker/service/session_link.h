#pragma once
#include <deque>
#include <memory>
#include <mutex>
#include <optional>

#include <remote/wire/record_source.h>
#include <remote/wire/reply.h>
#include <worker/backend/backend.h>

namespace remote::worker {

/// What lies between a session and the two calls that carry it: batches that came and were not taken yet, replies and
/// downloads that could not be sent yet.
///
/// Bounded both ways. Batches: the stream call reads no further while kMaxWaitingBatchBytes wait, and gRPC's flow
/// control then holds the client. Replies and downloads: while more than their limit waits for a slow client, take()
/// gives the session no records, so that nothing new can be produced. Downloads are kept by reference, never copied
/// here. Thread-safe. Carriers and the session are called with no lock held.
class SessionLink final : public wire::RecordSource, public SessionSink {
 public:
  static constexpr uint64_t kMaxWaitingBatchBytes = 4 << 20;
  static constexpr uint64_t kMaxWaitingReplyBytes = 8 << 20;
  static constexpr uint64_t kMaxWaitingDownloadBytes = 64 << 20;

  /// A call that sends or receives for the link.
  class Carrier {
   public:
    virtual ~Carrier() = default;
    /// There may be something to send, or room to receive. Must not block.
    virtual void kick() = 0;
  };

  /// A piece of a download. The chunk's bytes live as long as `owner`.
  struct Piece {
    wire::Chunk chunk;
    std::shared_ptr<const void> owner;
  };

  void attach_stream(std::weak_ptr<Carrier> stream);
  /// False when a bulk call was attached before: its transfers may be half done, and nobody could say how far.
  bool attach_bulk(std::weak_ptr<Carrier> bulk);
  /// Before this, nothing may be pushed or supplied.
  void bind(std::shared_ptr<Session> session);

  // For the stream call.
  bool wants_batches() const;
  void push(wire::Batch batch);
  std::optional<wire::Reply> next_reply();
  /// Lets the session go on, if it was held back and the client has caught up. Call after something was sent.
  void settle();

  // For the bulk call.
  Status supply(const wire::Chunk& chunk);
  std::optional<Piece> next_piece();

  /// Asks the stream call to end the session for this reason; the first one counts.
  void end(const Status& reason);
  std::optional<Status> ended() const;

  /// Nothing comes or goes any more; drops everything that waits.
  void close();
  bool closed() const;

  // For the session.
  std::optional<wire::Batch> take(size_t max_bytes) override;
  void on_reply(wire::Reply reply) override;
  void on_bulk(uint64_t transfer, std::shared_ptr<const void> owner, const void* data, uint64_t bytes) override;

 private:
  struct WaitingReply {
    wire::Reply reply;
    uint64_t bytes = 0;
  };
  struct Download {
    uint64_t transfer = 0;
    std::shared_ptr<const void> owner;
    const char* data = nullptr;
    uint64_t bytes = 0;
    uint64_t sent = 0;
  };

  bool client_is_behind() const;
  static void kick(const std::weak_ptr<Carrier>& carrier);

  mutable std::mutex mutex_;
  std::weak_ptr<Carrier> stream_;
  std::weak_ptr<Carrier> bulk_;
  bool bulk_attached_ = false;
  std::shared_ptr<Session> session_;
  std::deque<wire::Batch> batches_;
  uint64_t batch_bytes_ = 0;
  std::deque<WaitingReply> replies_;
  uint64_t reply_bytes_ = 0;
  std::deque<Download> downloads_;
  uint64_t download_bytes_ = 0;
  bool held_back_ = false;
  bool closed_ = false;
  std::optional<Status> ended_;
};

}  // namespace remote::worker
