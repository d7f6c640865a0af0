#include <remote/transport/grpc/bulk_channel.h>

#include <grpcpp/channel.h>

namespace remote::transport {

BulkChannel::BulkChannel(std::shared_ptr<grpc::Channel> channel, uint64_t session, const std::string& token,
                         OnPiece on_piece, OnEnd on_end)
    : on_piece_(std::move(on_piece)), on_end_(std::move(on_end)), stub_(std::move(channel)) {
  context_.AddMetadata("remote-session", std::to_string(session));
  context_.AddMetadata("remote-token-bin", token);
  call_ = stub_.PrepareCall(&context_, "/remote.v1.Worker/Bulk", &completions_);
  call_->StartCall(tag(Tag::kStart));
  thread_ = std::thread([this] { drive(); });
}

BulkChannel::~BulkChannel() {
  cancel();
  thread_.join();
}

void BulkChannel::cancel() { context_.TryCancel(); }

Status BulkChannel::send(const wire::Chunk& chunk) {
  // Copied before the wait, while the piece before is still on its way.
  const grpc::ByteBuffer message = proto::write_chunk(chunk);
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return may_write_ || over_; });
  if (over_) return {StatusCode::kUnavailable, "the bulk connection is closed"};
  may_write_ = false;
  writing_ = true;
  call_->Write(message, tag(Tag::kWrite));
  return {};
}

void BulkChannel::start_read() { call_->Read(&incoming_, tag(Tag::kRead)); }

void BulkChannel::finish_if_idle() {
  if (!over_ || writing_ || finishing_) return;
  finishing_ = true;
  call_->Finish(&end_, tag(Tag::kFinish));
}

void BulkChannel::drive() {
  void* completed = nullptr;
  bool ok = false;
  while (completions_.Next(&completed, &ok)) {
    switch (static_cast<Tag>(reinterpret_cast<intptr_t>(completed))) {
      case Tag::kStart: {
        // A call that could not start says why in Finish.
        std::lock_guard lock(mutex_);
        over_ = !ok;
        may_write_ = ok;
        if (ok) start_read();
        finish_if_idle();
        break;
      }
      case Tag::kRead: {
        if (ok) {
          if (Status parsed = received_.parse(incoming_); !parsed.ok()) {
            // Ends the call; what came is lost anyway.
            cancel();
          } else {
            for (const wire::Chunk& piece : received_.pieces()) on_piece_(piece);
          }
          start_read();
          break;
        }
        std::lock_guard lock(mutex_);
        over_ = true;
        may_write_ = false;
        finish_if_idle();
        break;
      }
      case Tag::kWrite: {
        std::lock_guard lock(mutex_);
        writing_ = false;
        may_write_ = ok && !over_;
        finish_if_idle();
        break;
      }
      case Tag::kFinish:
        completions_.Shutdown();
        break;
    }
    changed_.notify_all();
  }
  on_end_(end_);
}

}  // namespace remote::transport
