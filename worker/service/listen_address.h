#pragma once
#include <cstdint>
#include <string>

#include <remote/base/status.h>

namespace remote::worker {

/// Where a worker listens.
struct ListenAddress {
  std::string host;       ///< "127.0.0.1", "0.0.0.0", "::1", "gpu-box"; empty for a unix socket
  uint16_t port = 0;      ///< 0: the system picks one
  std::string unix_path;  ///< absolute; empty for TCP

  bool is_unix() const { return !unix_path.empty(); }
  /// As clients write it: "127.0.0.1:7070", "[::1]:7070", "unix:/run/rt.sock".
  std::string text() const;
};

/// INVALID_ARGUMENT, with the forms that are understood, for anything but "host:port", "[ipv6]:port" and "unix:/path".
StatusOr<ListenAddress> parse_listen_address(const std::string& text);

/// Says why a server could not listen there, which gRPC only logs: the port is in use, the address is not this
/// machine's, the socket's folder is missing. Removes a socket that a dead server left behind. Between this and the
/// server's own try, another process may be quicker.
Status probe(const ListenAddress& address);

}  // namespace remote::worker
