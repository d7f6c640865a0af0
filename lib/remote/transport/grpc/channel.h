#pragma once
#include <grpcpp/channel.h>
#include <grpcpp/support/status.h>

#include <memory>
#include <string>

#include <remote/transport/connection.h>

namespace remote::transport {

/// A channel with a TCP connection of its own: gRPC would otherwise let channels to one address share it, and records
/// would wait behind bulk data.
std::shared_ptr<grpc::Channel> make_channel(const std::string& target, const ConnectOptions& options);

/// Why no session came about, in our words: who was asked, what happened, what to try.
Status explain_refusal(const grpc::Status& status, const std::string& target);
/// Why a session that had begun is over.
Status explain_loss(const grpc::Status& status, const std::string& target);

}  // namespace remote::transport
