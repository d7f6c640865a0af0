#include "worker/service/listen_address.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <charconv>
#include <cstring>
#include <memory>
#include <string_view>

namespace remote::worker {
namespace {

constexpr size_t kMaxUnixPath = sizeof(sockaddr_un::sun_path) - 1;

/// A socket that closes itself.
class Socket {
 public:
  Socket(int family, int protocol) : fd_(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, protocol)) {}
  ~Socket() {
    if (fd_ >= 0) ::close(fd_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  int fd() const { return fd_; }

 private:
  const int fd_;
};

Status cannot_listen(const ListenAddress& address, const std::string& why) {
  return {StatusCode::kUnavailable, "can't listen on " + address.text() + ": " + why};
}

std::string cause(int error, const ListenAddress& address) {
  switch (error) {
    case EADDRINUSE: return "another program listens there; stop it, or choose another port (port 0 picks a free one)";
    case EADDRNOTAVAIL: return address.host + " is not an address of this machine";
    case EACCES: return address.is_unix() ? "no permission to make a socket there" : "no permission for this port";
    case ENOENT: return "the folder does not exist";
    default: return std::strerror(error);
  }
}

Status probe_tcp(const ListenAddress& address) {
  addrinfo hints = {};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* list = nullptr;
  if (const int failed = ::getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &list)) {
    return cannot_listen(address, std::string("the host's name can't be resolved: ") + ::gai_strerror(failed));
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(list, &::freeaddrinfo);
  int error = 0;
  bool bound = false;
  for (const addrinfo* at = list; at != nullptr; at = at->ai_next) {
    const Socket socket(at->ai_family, at->ai_protocol);
    const int on = 1;
    if (socket.fd() >= 0) ::setsockopt(socket.fd(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (socket.fd() >= 0 && ::bind(socket.fd(), at->ai_addr, at->ai_addrlen) == 0 && ::listen(socket.fd(), 1) == 0) {
      bound = true;
    } else {
      error = errno;
      if (error == EADDRINUSE || error == EACCES) break;
    }
  }
  // A name may stand for several addresses, some of a family that this machine lacks: one is enough.
  const bool refused = error == EADDRINUSE || error == EACCES || !bound;
  return refused ? cannot_listen(address, cause(error, address)) : Status();
}

Status probe_unix(const ListenAddress& address) {
  sockaddr_un name = {};
  name.sun_family = AF_UNIX;
  std::memcpy(name.sun_path, address.unix_path.data(), address.unix_path.size());
  const auto* generic = reinterpret_cast<const sockaddr*>(&name);

  struct stat info = {};
  if (::lstat(name.sun_path, &info) == 0) {
    if (!S_ISSOCK(info.st_mode)) {
      return cannot_listen(address, "the file exists and is no socket; remove it, or choose another path");
    }
    const Socket client(AF_UNIX, 0);
    if (::connect(client.fd(), generic, sizeof name) == 0) {
      return cannot_listen(address, "another program listens there; stop it, or choose another path");
    }
    if (errno != ECONNREFUSED) return cannot_listen(address, cause(errno, address));
    if (::unlink(name.sun_path) != 0) return cannot_listen(address, cause(errno, address));
  }
  const Socket socket(AF_UNIX, 0);
  if (::bind(socket.fd(), generic, sizeof name) != 0) return cannot_listen(address, cause(errno, address));
  ::unlink(name.sun_path);
  return {};
}

}  // namespace

std::string ListenAddress::text() const {
  if (is_unix()) return "unix:" + unix_path;
  const bool brackets = host.find(':') != std::string::npos;
  return (brackets ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

StatusOr<ListenAddress> parse_listen_address(const std::string& text) {
  const auto refuse = [&](const std::string& why) {
    return Status(StatusCode::kInvalidArgument, "\"" + text + "\" is no address to listen on (" + why +
                                                    "); expected host:port, [ipv6]:port or unix:/path");
  };
  if (text.find('\0') != std::string::npos) return refuse("it holds a zero byte");
  ListenAddress address;
  if (text.starts_with("unix:")) {
    address.unix_path = text.substr(5);
    if (!address.unix_path.starts_with('/')) return refuse("the path of the socket must be absolute");
    if (address.unix_path.ends_with('/')) return refuse("the path names a folder");
    if (address.unix_path.size() > kMaxUnixPath) {
      return refuse("the path of a socket has at most " + std::to_string(kMaxUnixPath) + " bytes");
    }
    return address;
  }
  const size_t colon = text.rfind(':');
  if (colon == std::string::npos) return refuse("the port is missing");
  std::string_view host = std::string_view(text).substr(0, colon);
  const std::string_view port = std::string_view(text).substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return refuse("an IPv6 address stands in brackets");
  }
  if (host.empty()) return refuse("the host is missing; 0.0.0.0 means every address of this machine");
  if (host.find_first_of(" \t/[]") != std::string_view::npos) return refuse("that is no host");
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
  if (port.empty() || error != std::errc() || end != port.data() + port.size()) {
    return refuse("the port must be a number from 0 to 65535");
  }
  address.host = host;
  return address;
}

Status probe(const ListenAddress& address) { return address.is_unix() ? probe_unix(address) : probe_tcp(address); }

}  // namespace remote::worker
