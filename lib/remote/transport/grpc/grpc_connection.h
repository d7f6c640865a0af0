#pragma once
#include <memory>
#include <string>

#include <remote/transport/connection.h>

namespace remote::transport {

/// Connects over gRPC to a worker at "host:port" or "unix:/path". Errors as transport::connect() has them.
///
/// The connection has two TCP connections, one for records and replies, one for bulk data, and three threads: one sends
/// records, one hears replies, one moves bulk data. Nothing is buffered beyond what gRPC's flow control has accepted
/// and one batch: a worker that stops reading stops the record source from being emptied, and send_chunk() blocks.
/// Destroying the connection closes it.
StatusOr<std::unique_ptr<Connection>> connect_grpc(const std::string& target, const wire::Hello& hello,
                                                   wire::RecordSource& source, Listener& listener,
                                                   const ConnectOptions& options);

}  // namespace remote::transport
