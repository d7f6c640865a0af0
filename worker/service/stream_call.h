#pragma once
#include <grpcpp/server_context.h>
#include <grpcpp/support/async_stream.h>

#include <memory>
#include <mutex>
#include <optional>

#include "worker/service/completion.h"
#include "worker/service/service_context.h"

namespace remote::worker {

/// One call of Worker.Stream, from Hello to Farewell: reads batches into the session's link and writes what the link
/// holds.
///
/// Owned by its operations under way. Operations start from the queue's thread and, by kick(), from the executor's.
/// Ends in one of four ways: refused (no session came about), farewell (the session is freed, then the client is told),
/// gone (the client's connection broke or it went without a word: the session keeps its lease), ended by the worker
/// (a broken protocol, a lost device, a shutdown: the client is told why and the session is freed).
class StreamCall final : public SessionLink::Carrier, public std::enable_shared_from_this<StreamCall> {
 public:
  /// Waits for the next client.
  static void accept(ServiceContext& context);
  /// Only for accept().
  explicit StreamCall(ServiceContext& context);

  void kick() override;

 private:
  void on_accepted(bool ok);
  void on_read(bool ok);
  void on_written(bool ok);
  void on_finished();

  Status receive();
  Status open(const v1::Hello& hello);
  void farewell();
  void gone();
  /// Ends the call; a session is freed.
  void end(const Status& reason);
  void disconnect(bool keep_lease);

  // With the lock held.
  void pump();
  bool next_message();

  ServiceContext& context_;
  const CallCount::Member counted_;
  grpc::ServerContext call_;
  grpc::ServerAsyncReaderWriter<v1::ServerMessage, v1::ClientMessage> stream_;
  Completion accepted_, read_, written_, finished_, over_notice_;

  std::mutex mutex_;
  std::shared_ptr<SessionLink> link_;  // set once, with the welcome
  std::shared_ptr<Session> session_;   // until it is disconnected
  uint64_t session_id_ = 0;
  v1::ClientMessage incoming_;
  v1::ServerMessage outgoing_;
  std::optional<v1::ServerMessage> welcome_;
  std::optional<v1::ServerMessage> last_;
  std::optional<grpc::Status> over_;  // why the call ends; nothing is read any more
  bool reading_ = false;
  bool writing_ = false;
  bool leaving_ = false;  // the client said Farewell: replies are of no use to it
  bool gone_ = false;     // nobody is there to hear anything
  bool finishing_ = false;
};

}  // namespace remote::worker
