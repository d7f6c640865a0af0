#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include <remote/base/status.h>
#include <worker/backend/backend.h>

namespace remote::worker {

/// A backend on the network: the gRPC service remote.v1.Worker with health checking and reflection.
///
/// Two steps, because the backend tells clients where it listens: listen() takes the address, and serve() begins to
/// answer. Its two threads carry all sessions. Not thread-safe, except where said.
class Server {
 public:
  /// Takes the address: "127.0.0.1:7070" (port 0 picks one), "[::1]:7070", "unix:/run/rt.sock". Clients may connect and
  /// wait; health checking says NOT_SERVING.
  /// INVALID_ARGUMENT: no address. UNAVAILABLE: it can't be had (the text says why).
  static StatusOr<std::unique_ptr<Server>> listen(const std::string& address);
  virtual ~Server() = default;

  /// Where it listens, as clients write it, with the port that was picked.
  virtual const std::string& address() const = 0;
  /// 0 for a unix socket.
  virtual uint16_t port() const = 0;
  /// Where other machines reach it: address(), or with this machine's name where it listens on every address.
  virtual std::string peer_address() const = 0;

  /// Begins to answer. Once.
  virtual void serve(std::shared_ptr<Backend> backend) = 0;

  /// Takes no new session and waits up to `timeout` for those that are open to end; says whether all did. May be called
  /// from any thread.
  virtual bool drain(std::chrono::milliseconds timeout) = 0;

  /// Tells the sessions that are still open why they end, grants them a second to hear it, and stops. Also done by the
  /// destructor.
  virtual void stop(const Status& reason) = 0;
};

}  // namespace remote::worker
