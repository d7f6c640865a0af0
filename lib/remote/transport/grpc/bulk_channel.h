#pragma once
#include <grpcpp/client_context.h>
#include <grpcpp/completion_queue.h>
#include <grpcpp/generic/generic_stub.h>

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include <proto/chunk.h>
#include <remote/base/status.h>

namespace remote::transport {

/// The client's end of Worker.Bulk: one call, both directions, and the thread that drives it. Thread-safe.
class BulkChannel {
 public:
  using OnPiece = std::function<void(const wire::Chunk&)>;
  using OnEnd = std::function<void(const grpc::Status&)>;

  /// Starts the call. `on_piece` and `on_end` (once, at the end of the call, whoever ended it) are called from the
  /// channel's thread.
  BulkChannel(std::shared_ptr<grpc::Channel> channel, uint64_t session, const std::string& token, OnPiece on_piece,
              OnEnd on_end);
  /// Cancels the call and joins the thread.
  ~BulkChannel();

  /// Blocks until gRPC has taken the piece before this one; so at most one piece, and what flow control has let
  /// through, is in memory. UNAVAILABLE once the call is over.
  Status send(const wire::Chunk& chunk);
  /// Makes everything that blocks return, soon. Doesn't block.
  void cancel();

 private:
  enum class Tag : intptr_t { kStart = 1, kRead, kWrite, kFinish };

  void drive();
  void start_read();
  void finish_if_idle();
  static void* tag(Tag value) { return reinterpret_cast<void*>(value); }

  const OnPiece on_piece_;
  const OnEnd on_end_;
  grpc::GenericStub stub_;
  grpc::ClientContext context_;
  grpc::CompletionQueue completions_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call_;

  std::mutex mutex_;
  std::condition_variable changed_;
  bool may_write_ = false;  // started, not over, and no write under way
  bool writing_ = false;
  bool over_ = false;       // nothing is read any more: no write may begin
  bool finishing_ = false;

  // Of the thread that drives the call.
  grpc::ByteBuffer incoming_;
  proto::ReceivedChunk received_;
  grpc::Status end_;

  std::thread thread_;
};

}  // namespace remote::transport
