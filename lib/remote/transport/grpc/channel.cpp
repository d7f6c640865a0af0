#include <remote/transport/grpc/channel.h>

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>

#include <algorithm>

#include <proto/messages.h>
#include <proto/runtime.h>

namespace remote::transport {
namespace {

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

/// What gRPC says about a connection that failed, without its nested prefixes.
std::string cause_of(const std::string& text) {
  if (contains(text, "Connection refused")) return "connection refused";
  if (contains(text, "No such file or directory")) return "no such socket";
  if (contains(text, "Permission denied")) return "permission denied";
  if (contains(text, "DNS resolution failed") || contains(text, "Domain name not found")) {
    return "the host's name can't be resolved";
  }
  if (contains(text, "No route to host")) return "no route to the host";
  if (contains(text, "Network is unreachable")) return "the network is unreachable";
  if (contains(text, "imeout")) return "no answer";
  return {};
}

}  // namespace

std::shared_ptr<grpc::Channel> make_channel(const std::string& target, const ConnectOptions& options) {
  proto::keep_runtime();
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetMaxReceiveMessageSize(-1);
  arguments.SetMaxSendMessageSize(-1);
  // A ping after a quarter of the time without a word, and the rest to answer it. A ping must not need traffic: a
  // client that computes or waits sends none.
  const int keepalive_ms = static_cast<int>(std::clamp<int64_t>(options.keepalive_timeout.count(), 200, 1 << 30));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, keepalive_ms / 4);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, keepalive_ms - keepalive_ms / 4);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  return grpc::CreateCustomChannel(target, grpc::InsecureChannelCredentials(), arguments);
}

Status explain_refusal(const grpc::Status& status, const std::string& target) {
  const std::string& text = status.error_message();
  switch (status.error_code()) {
    case grpc::StatusCode::UNIMPLEMENTED:
      return {StatusCode::kFailedPrecondition,
              "the gRPC server at " + target + " is not a worker of this protocol (" + text +
                  "); start one with: rt-worker"};
    case grpc::StatusCode::UNAVAILABLE: {
      const std::string cause = cause_of(text);
      if (!cause.empty()) {
        return {StatusCode::kUnavailable,
                "no worker at " + target + ": " + cause + "; start one with: rt-worker --listen " + target};
      }
      // The worker's own words (draining) reach here too.
      if (contains(text, "worker")) return {StatusCode::kUnavailable, text};
      return {StatusCode::kUnavailable, "no worker at " + target + ": what answers there does not speak gRPC (" + text +
                                            "); start one with: rt-worker --listen " + target};
    }
    default: {
      const Status reason = proto::from_grpc(status);
      return {reason.code(), "worker " + target + " refused the connection: " + reason.message()};
    }
  }
}

Status explain_loss(const grpc::Status& status, const std::string& target) {
  const std::string& text = status.error_message();
  std::string what = "ended the connection";
  if (contains(text, "watchdog timeout") || contains(text, "keepalive") || contains(text, "timed out")) {
    what = "gave no sign of life and is taken for lost";
  } else if (contains(text, "Socket closed") || contains(text, "reset by peer") || contains(text, "Broken pipe") ||
             contains(text, "EOF")) {
    what = "is gone: the connection broke";
  } else if (!status.ok()) {
    const Status reason = proto::from_grpc(status);
    // A refusal of a call is a decision of the worker; all else of this kind is the network's doing.
    if (reason.code() != StatusCode::kUnavailable && reason.code() != StatusCode::kCancelled) {
      return {reason.code(), "worker " + target + " ended the session: " + text};
    }
  }
  return {StatusCode::kUnavailable, "worker " + target + " " + what + (text.empty() ? "" : " (" + text + ")")};
}

}  // namespace remote::transport
