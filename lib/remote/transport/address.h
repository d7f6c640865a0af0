#pragma once
#include <string>

#include <remote/base/status.h>

namespace remote::transport {

/// Where a worker is.
struct Address {
  enum class Kind {
    kEmbedded,  ///< in this process, on `device`
    kNetwork,   ///< TCP or a unix socket: `target`
  };
  Kind kind = Kind::kEmbedded;
  std::string device;  ///< "auto", "cpu", "cuda:0"
  std::string target;  ///< "host:port", "[::1]:7070", "unix:/path"
};

/// INVALID_ARGUMENT, with the forms that are understood, for anything else than "embedded", "embedded:cpu",
/// "embedded:cuda:0", "host:port", "[::1]:7070" and "unix:/path".
StatusOr<Address> parse_address(const std::string& address);

}  // namespace remote::transport
