#pragma once
#include <grpcpp/server_context.h>
#include <grpcpp/support/async_unary_call.h>

#include <memory>

#include "worker/service/completion.h"
#include "worker/service/service_context.h"

namespace remote::worker {

/// One call of Worker.Statistics. Owned by its operations under way.
class StatisticsCall final : public std::enable_shared_from_this<StatisticsCall> {
 public:
  /// Waits for the next client.
  static void accept(ServiceContext& context);
  /// Only for accept().
  explicit StatisticsCall(ServiceContext& context);

 private:
  void on_accepted(bool ok);

  ServiceContext& context_;
  const CallCount::Member counted_;
  grpc::ServerContext call_;
  v1::StatisticsRequest request_;
  grpc::ServerAsyncResponseWriter<v1::StatisticsReply> responder_;
  Completion accepted_, finished_;
};

}  // namespace remote::worker
