#pragma once
#include <grpcpp/server_context.h>
#include <grpcpp/support/async_stream.h>
#include <grpcpp/support/byte_buffer.h>

#include <memory>
#include <mutex>
#include <optional>

#include <proto/chunk.h>

#include "worker/service/completion.h"
#include "worker/service/service_context.h"

namespace remote::worker {

/// One call of Worker.Bulk: uploads go to the session as they come, downloads are sent a chunk at a time.
///
/// Owned by its operations under way. It ends when its session's stream does. When it breaks by itself, the client
/// notices and gives the session up: the worker only stops sending.
///
/// A session has one with its client, and any number with other workers (metadata remote-peer), each of which brings a
/// transfer and ends.
class BulkCall final : public SessionLink::Carrier, public std::enable_shared_from_this<BulkCall> {
 public:
  /// Waits for the next client.
  static void accept(ServiceContext& context);
  /// Only for accept().
  explicit BulkCall(ServiceContext& context);

  void kick() override;

 private:
  void on_accepted(bool ok);
  void on_read(bool ok);
  void on_written(bool ok);

  /// Finds the session that the call's metadata names.
  Status bind();
  Status receive();

  // With the lock held.
  void start_read();
  void pump();

  ServiceContext& context_;
  const CallCount::Member counted_;
  grpc::ServerContext call_;
  grpc::ServerAsyncReaderWriter<grpc::ByteBuffer, grpc::ByteBuffer> stream_;
  Completion accepted_, read_, written_, finished_;
  proto::ReceivedChunk received_;
  grpc::ByteBuffer incoming_;

  std::mutex mutex_;
  std::shared_ptr<SessionLink> link_;  // set once, before the first read
  std::optional<grpc::Status> over_;   // why the call ends
  bool is_peer_ = false;               // set before the first read
  bool writing_ = false;
  bool finishing_ = false;
};

}  // namespace remote::worker
