#pragma once
#include <chrono>
#include <memory>
#include <string>

#include <remote/base/status.h>
#include <remote/wire/record_source.h>
#include <remote/wire/reply.h>

namespace remote::transport {

/// What a client hears from a connection. Calls come from the carrier's threads, one at a time; they must not block and
/// must not call back into the connection except for wake().
class Listener {
 public:
  virtual ~Listener() = default;
  virtual void on_reply(wire::Reply reply) = 0;
  /// A piece of a fetch; pieces of one transfer come in order, `total_bytes` says when it is complete.
  virtual void on_chunk(const wire::Chunk& chunk) = 0;
  /// The connection is gone, for the reason given; nothing is heard afterwards. Not called after close().
  virtual void on_closed(Status reason) = 0;
};

/// A client's connection to one worker: a one-way stream of record batches, replies, and bulk data both ways. The same
/// contract whatever carries it, tested by one suite over every carrier. Thread-safe.
class Connection {
 public:
  virtual ~Connection() = default;

  virtual const wire::Welcome& welcome() const = 0;
  /// Says that the record source is no longer empty. Cheap; never blocks. The carrier takes batches from the source
  /// whenever it is free, so that many records share a message.
  virtual void wake() = 0;
  /// Sends a piece of an upload whose record names `chunk.transfer`. Blocks while the bulk connection is full; on
  /// return the bytes may be overwritten. Pieces of one transfer must be sent in order, transfers in the order of their
  /// records.
  virtual Status send_chunk(const wire::Chunk& chunk) = 0;
  /// Ends the session: the worker frees everything it holds for it. Waits for the farewell at most `timeout`.
  virtual void close(std::chrono::milliseconds timeout) = 0;
};

struct ConnectOptions {
  /// How long to wait for the worker's answer. An address where nobody listens fails at once.
  std::chrono::milliseconds timeout{5000};
  /// After this long without a sign of life the worker is taken for lost (gRPC keepalive). A stopped worker that
  /// continues earlier goes on as if nothing had happened.
  std::chrono::milliseconds keepalive_timeout{120000};
};

/// Connects to "embedded", "embedded:cpu", "embedded:cuda:0" (a worker in this process), "host:port" or "unix:/path".
/// `source` and `listener` must outlive the connection.
/// UNAVAILABLE: nobody listens there. FAILED_PRECONDITION: another protocol version. INVALID_ARGUMENT: not an address.
/// UNIMPLEMENTED: the address needs gRPC and this build has none. UNAUTHENTICATED: the worker wants another credential.
StatusOr<std::unique_ptr<Connection>> connect(const std::string& address, const wire::Hello& hello,
                                              wire::RecordSource& source, Listener& listener,
                                              const ConnectOptions& options = {});

}  // namespace remote::transport
