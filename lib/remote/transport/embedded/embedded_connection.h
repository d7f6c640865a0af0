#pragma once
#include <memory>
#include <string>

#include <remote/transport/connection.h>

namespace remote::worker {
class Backend;
}

namespace remote::transport {

/// Starts a worker in this process, on `device` ("auto", "cpu", "cuda:0"), and connects to it. The connection owns the
/// worker: it ends when the connection is destroyed. Its executor uses as many intra-op threads as the calling thread
/// does, and takes batches straight from `source`; replies and fetched bytes come from the executor's thread.
StatusOr<std::unique_ptr<Connection>> connect_embedded(const std::string& device, const wire::Hello& hello,
                                                       wire::RecordSource& source, Listener& listener);

/// Connects to a worker in this process that the caller has made and may share among connections.
StatusOr<std::unique_ptr<Connection>> connect_embedded(std::shared_ptr<worker::Backend> backend,
                                                       const wire::Hello& hello, wire::RecordSource& source,
                                                       Listener& listener);

}  // namespace remote::transport
