#include <remote/transport/grpc/grpc_connection.h>

#include <condition_variable>
#include <mutex>
#include <thread>

#include <proto/messages.h>
#include <remote/transport/grpc/bulk_channel.h>
#include <remote/transport/grpc/channel.h>

#include "remote/v1/worker.grpc.pb.h"

namespace remote::transport {
namespace {

/// What a destructor grants the worker for its farewell where close() was not called.
constexpr std::chrono::milliseconds kFarewellTimeout{1000};
/// What a write gets to notice by itself that its call has ended, before the call is cancelled.
constexpr std::chrono::milliseconds kSenderGrace{1000};
/// What the stream gets to end after the bulk call has, before the bulk call's end is taken for a loss by itself.
constexpr std::chrono::milliseconds kStreamGrace{200};

/// Locks are never held while the record source or the listener is called, except `listening_`, which orders the calls
/// of the listener; nothing else is locked while it is waited for.
class GrpcConnection final : public Connection {
 public:
  GrpcConnection(const std::string& target, wire::RecordSource& source, Listener& listener,
                 const ConnectOptions& options)
      : target_(target),
        options_(options),
        source_(source),
        listener_(listener),
        stub_(v1::Worker::NewStub(make_channel(target, options))) {}

  ~GrpcConnection() override {
    close(kFarewellTimeout);
    if (reader_.joinable()) reader_.join();
  }

  /// Waits for the worker's Welcome. After an error, the connection can only be destroyed.
  Status open(const wire::Hello& hello) {
    reader_ = std::thread([this, hello] { read_loop(hello); });
    std::unique_lock lock(mutex_);
    if (changed_.wait_for(lock, options_.timeout, [&] { return phase_ != Phase::kHandshake; })) return refusal_;
    phase_ = Phase::kOver;
    return {StatusCode::kUnavailable, "no worker at " + target_ + ": no answer within " +
                                          std::to_string(options_.timeout.count()) +
                                          " ms; is it stopped, or behind a firewall?"};
  }

  const wire::Welcome& welcome() const override { return welcome_; }

  void wake() override {
    {
      std::lock_guard lock(mutex_);
      records_wait_ = true;
    }
    send_.notify_one();
  }

  Status send_chunk(const wire::Chunk& chunk) override { return bulk_->send(chunk); }

  void close(std::chrono::milliseconds timeout) override {
    {
      std::lock_guard lock(listening_);
      silent_ = true;
    }
    std::unique_lock lock(mutex_);
    if (phase_ == Phase::kOpen) phase_ = Phase::kClosing;
    send_.notify_one();
    if (phase_ == Phase::kClosing) changed_.wait_for(lock, timeout, [&] { return phase_ == Phase::kOver; });
    phase_ = Phase::kOver;
    changed_.notify_all();
    lock.unlock();
    cancel();
  }

 private:
  enum class Phase {
    kHandshake,
    kOpen,
    kClosing,  ///< close() was called: a Farewell is on its way
    kOver,     ///< refused, lost, or closed
  };

  void cancel() {
    context_.TryCancel();
    if (bulk_) bulk_->cancel();
  }

  void read_loop(const wire::Hello& hello) {
    // One message with the call's first bytes; without this, making the call waits for the network by itself.
    context_.set_initial_metadata_corked(true);
    stream_ = stub_->Stream(&context_);
    v1::ClientMessage first;
    proto::write(hello, *first.mutable_hello());
    v1::ServerMessage message;
    if (!stream_->Write(first) || !stream_->Read(&message) || !message.has_welcome()) return refuse(message);
    if (!begin(message.welcome())) return;

    while (stream_->Read(&message)) {
      if (message.has_reply()) {
        auto reply = proto::read(*message.mutable_reply());
        if (!reply.ok()) {
          lose({reply.status().code(), "worker " + target_ + " sent a reply that breaks the protocol: " +
                                           reply.status().message()});
          continue;
        }
        std::lock_guard lock(listening_);
        if (!silent_) listener_.on_reply(std::move(reply).value());
      } else if (message.has_ended()) {
        const Status reason = proto::read(message.ended());
        lose({reason.code(), "worker " + target_ + " ended the session: " + reason.message()});
      }
    }
    lose(explain_loss(finish(), target_));
    set_phase(Phase::kOver);
  }

  /// The call ended before a Welcome came.
  void refuse(const v1::ServerMessage& message) {
    if (message.kind_case() != v1::ServerMessage::KIND_NOT_SET) context_.TryCancel();
    const grpc::Status status = stream_->Finish();
    std::lock_guard lock(mutex_);
    refusal_ = message.kind_case() == v1::ServerMessage::KIND_NOT_SET && !status.ok()
                   ? explain_refusal(status, target_)
                   : Status(StatusCode::kFailedPrecondition, "what listens at " + target_ +
                                                                 " is no worker of this protocol: it answered a "
                                                                 "Hello with something else than a Welcome");
    phase_ = Phase::kOver;
    changed_.notify_all();
  }

  /// False when nobody waits for the handshake any more.
  bool begin(const v1::Welcome& welcome) {
    {
      std::lock_guard lock(mutex_);
      if (phase_ == Phase::kHandshake) {
        welcome_ = proto::read(welcome);
        bulk_ = std::make_unique<BulkChannel>(
            make_channel(target_, options_), welcome_.session, welcome_.token,
            [this](const wire::Chunk& piece) {
              std::lock_guard lock(listening_);
              if (!silent_) listener_.on_chunk(piece);
            },
            [this](const grpc::Status& status) { on_bulk_end(status); });
        sender_ = std::thread([this] { send_loop(); });
        phase_ = Phase::kOpen;
        changed_.notify_all();
        return true;
      }
    }
    context_.TryCancel();
    (void)stream_->Finish();
    return false;
  }

  void send_loop() {
    const size_t max_bytes = welcome_.limits.max_batch_bytes;
    v1::ClientMessage message;
    while (wait_for_records()) {
      for (auto batch = source_.take(max_bytes); batch; batch = source_.take(max_bytes)) {
        proto::write(std::move(*batch), *message.mutable_batch());
        // A write that fails means that the call is over, and the reader learns why.
        if (!stream_->Write(message) || phase() != Phase::kOpen) break;
      }
    }
    if (phase() == Phase::kClosing) {
      message.mutable_farewell();
      if (stream_->Write(message)) stream_->WritesDone();
    }
    std::lock_guard lock(mutex_);
    sender_done_ = true;
    changed_.notify_all();
  }

  /// False when no more records are to be sent.
  bool wait_for_records() {
    std::unique_lock lock(mutex_);
    send_.wait(lock, [&] { return records_wait_ || phase_ != Phase::kOpen || reading_ended_; });
    records_wait_ = false;
    return phase_ == Phase::kOpen && !reading_ended_;
  }

  /// Joins the sender, since gRPC wants no write at the same time, and asks for the call's status.
  grpc::Status finish() {
    {
      std::unique_lock lock(mutex_);
      reading_ended_ = true;
      send_.notify_one();
      if (!changed_.wait_for(lock, kSenderGrace, [&] { return sender_done_; })) context_.TryCancel();
    }
    sender_.join();
    return stream_->Finish();
  }

  /// The bulk call ends after the stream, as a rule, and then the stream's reason is the better one.
  void on_bulk_end(const grpc::Status& status) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, kStreamGrace, [&] { return phase_ != Phase::kOpen; });
    }
    lose(explain_loss(status, target_));
  }

  /// Called by whoever notices first that the connection is gone; all later reasons are its consequences.
  void lose(const Status& reason) {
    {
      std::lock_guard lock(mutex_);
      if (phase_ != Phase::kOpen) return;
      phase_ = Phase::kOver;
      send_.notify_one();
      changed_.notify_all();
    }
    cancel();
    std::lock_guard lock(listening_);
    if (silent_) return;
    silent_ = true;
    listener_.on_closed(reason);
  }

  Phase phase() {
    std::lock_guard lock(mutex_);
    return phase_;
  }
  void set_phase(Phase phase) {
    std::lock_guard lock(mutex_);
    phase_ = phase;
    changed_.notify_all();
  }

  const std::string target_;
  const ConnectOptions options_;
  wire::RecordSource& source_;
  Listener& listener_;
  const std::unique_ptr<v1::Worker::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::ClientMessage, v1::ServerMessage>> stream_;

  // Written by the reader before it leaves the handshake, not afterwards.
  wire::Welcome welcome_;
  Status refusal_;

  std::mutex mutex_;
  std::condition_variable changed_;  // phase_, sender_done_
  std::condition_variable send_;     // what the sender waits for
  Phase phase_ = Phase::kHandshake;
  bool records_wait_ = false;
  bool reading_ended_ = false;
  bool sender_done_ = false;

  std::mutex listening_;
  bool silent_ = false;  // nothing may be heard any more

  std::unique_ptr<BulkChannel> bulk_;
  std::thread sender_;
  std::thread reader_;
};

}  // namespace

StatusOr<std::unique_ptr<Connection>> connect_grpc(const std::string& target, const wire::Hello& hello,
                                                   wire::RecordSource& source, Listener& listener,
                                                   const ConnectOptions& options) {
  auto connection = std::make_unique<GrpcConnection>(target, source, listener, options);
  REMOTE_RETURN_IF_ERROR(connection->open(hello));
  return std::unique_ptr<Connection>(std::move(connection));
}

}  // namespace remote::transport
