#include "worker/service/server.h"

#include <grpc/support/log.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <unistd.h>

#include <thread>

#include <proto/messages.h>
#include <proto/runtime.h>
#include <remote/wire/limits.h>

#include "worker/service/bulk_call.h"
#include "worker/service/completion.h"
#include "worker/service/listen_address.h"
#include "worker/service/log.h"
#include "worker/service/service_context.h"
#include "worker/service/statistics_call.h"
#include "worker/service/stream_call.h"

namespace remote::worker {
namespace {

/// Above every batch that a client may send: one that is larger holds a single record within wire's limits.
constexpr int kMaxMessageBytes = 64 << 20;
constexpr size_t kMaxStatusText = 1024;
constexpr int kMaxCallsPerConnection = 100;
constexpr std::chrono::milliseconds kStopGrace{1000};
/// As the client's defaults: either side takes the other for lost after two minutes without a sign of life.
constexpr int kKeepaliveMs = 30000, kKeepaliveTimeoutMs = 90000;
constexpr int kMinPingIntervalMs = 10;

/// gRPC reports what ends up in a status anyway; the rest is for those who ask for it.
void forward_grpc_log(gpr_log_func_args* args) {
  log::debug("grpc", {{"message", args->message}, {"file", args->file}});
}

void configure(grpc::ServerBuilder& builder) {
  // By default two servers may share a port, and each gets some of the clients.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kMaxCallsPerConnection);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  // Clients ping while they compute; by default that is taken for abuse and answered with GOAWAY.
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, kMinPingIntervalMs);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PING_STRIKES, 0);
  builder.SetMaxReceiveMessageSize(kMaxMessageBytes);
  builder.SetMaxSendMessageSize(-1);
  // For reflection, which is the only service with threads of its own.
  builder.SetSyncServerOption(grpc::ServerBuilder::NUM_CQS, 1);
  builder.SetSyncServerOption(grpc::ServerBuilder::MIN_POLLERS, 1);
  builder.SetSyncServerOption(grpc::ServerBuilder::MAX_POLLERS, 2);
}

class GrpcServer final : public Server {
 public:
  explicit GrpcServer(ListenAddress address) : listen_(std::move(address)) {}
  ~GrpcServer() override { stop({StatusCode::kUnavailable, "the worker stops"}); }

  Status start() {
    REMOTE_RETURN_IF_ERROR(probe(listen_));
    proto::keep_runtime();
    gpr_set_log_function(forward_grpc_log);
    grpc::EnableDefaultHealthCheckService(true);
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
    grpc::ServerBuilder builder;
    configure(builder);
    int port = 0;
    builder.AddListeningPort(listen_.text(), grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(&context_.service);
    context_.record_queue = builder.AddCompletionQueue();
    context_.bulk_queue = builder.AddCompletionQueue();
    server_ = builder.BuildAndStart();
    if (!server_ || port <= 0) {
      return {StatusCode::kUnavailable,
              "can't listen on " + listen_.text() + ": gRPC could not; --log-level debug shows what it says"};
    }
    if (!listen_.is_unix()) listen_.port = static_cast<uint16_t>(port);
    address_ = listen_.text();
    server_->GetHealthCheckService()->SetServingStatus(false);
    return {};
  }

  const std::string& address() const override { return address_; }
  uint16_t port() const override { return listen_.port; }

  std::string peer_address() const override {
    ListenAddress peer = listen_;
    char name[256] = {};
    if ((peer.host == "0.0.0.0" || peer.host == "::") && ::gethostname(name, sizeof name - 1) == 0) peer.host = name;
    return peer.text();
  }

  void serve(std::shared_ptr<Backend> backend) override {
    context_.backend = std::move(backend);
    StreamCall::accept(context_);
    StatisticsCall::accept(context_);
    BulkCall::accept(context_);
    record_thread_ = std::thread([this] { complete_calls(*context_.record_queue); });
    bulk_thread_ = std::thread([this] { complete_calls(*context_.bulk_queue); });
    server_->GetHealthCheckService()->SetServingStatus(true);
    server_->GetHealthCheckService()->SetServingStatus(v1::Worker::service_full_name(), true);
  }

  bool drain(std::chrono::milliseconds timeout) override {
    server_->GetHealthCheckService()->SetServingStatus(false);
    return context_.backend->drain(static_cast<uint32_t>(timeout.count()));
  }

  void stop(const Status& reason) override {
    if (!server_) return;
    context_.sessions.end_all(reason);
    server_->Shutdown(std::chrono::system_clock::now() + kStopGrace);
    if (record_thread_.joinable()) {
      context_.calls.wait_until_none();
      context_.record_queue->Shutdown();
      context_.bulk_queue->Shutdown();
      record_thread_.join();
      bulk_thread_.join();
    } else {
      discard(*context_.record_queue);
      discard(*context_.bulk_queue);
    }
    server_.reset();
  }

 private:
  static void complete_calls(grpc::ServerCompletionQueue& queue) {
    void* tag = nullptr;
    bool ok = false;
    while (queue.Next(&tag, &ok)) Completion::complete(tag, ok);
  }
  static void discard(grpc::ServerCompletionQueue& queue) {
    queue.Shutdown();
    complete_calls(queue);
  }

  ListenAddress listen_;
  std::string address_;
  ServiceContext context_;
  std::unique_ptr<grpc::Server> server_;
  std::thread record_thread_;
  std::thread bulk_thread_;
};

}  // namespace

grpc::Status call_status(const Status& status) {
  return proto::to_grpc({status.code(), status.message().substr(0, kMaxStatusText)});
}

StatusOr<std::unique_ptr<Server>> Server::listen(const std::string& address) {
  auto parsed = parse_listen_address(address);
  if (!parsed.ok()) return parsed.status();
  auto server = std::make_unique<GrpcServer>(std::move(parsed).value());
  REMOTE_RETURN_IF_ERROR(server->start());
  return std::unique_ptr<Server>(std::move(server));
}

}  // namespace remote::worker
