#include "worker/service/statistics_call.h"

namespace remote::worker {

void StatisticsCall::accept(ServiceContext& context) {
  const auto call = std::make_shared<StatisticsCall>(context);
  context.service.RequestStatistics(&call->call_, &call->request_, &call->responder_, context.record_queue.get(),
                                    context.record_queue.get(), call->accepted_.arm(call));
}

StatisticsCall::StatisticsCall(ServiceContext& context)
    : context_(context),
      counted_(context.calls),
      responder_(&call_),
      accepted_([this](bool ok) { on_accepted(ok); }),
      finished_([](bool) {}) {}

void StatisticsCall::on_accepted(bool ok) {
  if (!ok) return;
  accept(context_);
  const BackendStatistics now = context_.backend->statistics();
  v1::StatisticsReply reply;
  reply.set_sessions(now.sessions);
  reply.set_sessions_opened(now.sessions_opened);
  reply.set_ops(now.ops);
  reply.set_failed_ops(now.failed_ops);
  reply.set_storages(now.storages);
  reply.set_storage_bytes(now.storage_bytes);
  responder_.Finish(reply, grpc::Status::OK, finished_.arm(shared_from_this()));
}

}  // namespace remote::worker
