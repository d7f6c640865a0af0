#include "tcp_proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <vector>

namespace remote::test {
namespace {

sockaddr_in loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

int checked(int result, const char* what) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), what);
  return result;
}

int new_socket() { return checked(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket"); }

bool send_all(int to, const char* data, size_t size) {
  while (size > 0) {
    const ssize_t sent = ::send(to, data, size, MSG_NOSIGNAL);
    if (sent <= 0) return false;
    data += sent;
    size -= static_cast<size_t>(sent);
  }
  return true;
}

}  // namespace

TcpProxy::TcpProxy(uint16_t server_port, Direction direction, uint64_t cut_after_bytes)
    : server_port_(server_port), direction_(direction), cut_after_bytes_(cut_after_bytes), listener_(new_socket()) {
  sockaddr_in address = loopback(0);
  socklen_t length = sizeof address;
  checked(::bind(listener_, reinterpret_cast<sockaddr*>(&address), length), "bind");
  checked(::listen(listener_, 16), "listen");
  checked(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length), "getsockname");
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept_loop(); });
}

TcpProxy::~TcpProxy() {
  stopping_ = true;
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  ::close(listener_);
  for (auto& link : links_) {
    ::shutdown(link.client, SHUT_RDWR);
    ::shutdown(link.server, SHUT_RDWR);
    link.to_server.join();
    link.to_client.join();
    ::close(link.client);
    ::close(link.server);
  }
}

void TcpProxy::accept_loop() {
  for (;;) {
    const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0 || stopping_) {
      if (client >= 0) ::close(client);
      return;
    }
    const int server = new_socket();
    sockaddr_in address = loopback(server_port_);
    if (::connect(server, reinterpret_cast<sockaddr*>(&address), sizeof address) < 0) {
      ::close(client);
      ::close(server);
      continue;
    }
    Link& link = links_.emplace_back();
    link.client = client;
    link.server = server;
    link.to_server = std::thread([this, &link] { relay(link, Direction::kToServer); });
    link.to_client = std::thread([this, &link] { relay(link, Direction::kToClient); });
  }
}

void TcpProxy::relay(const Link& link, Direction direction) {
  const bool up = direction == Direction::kToServer;
  const int from = up ? link.client : link.server, to = up ? link.server : link.client;
  const bool counted = direction == direction_;
  std::vector<char> buffer(64 << 10);
  uint64_t carried = 0;
  for (;;) {
    ssize_t size = ::recv(from, buffer.data(), buffer.size(), 0);
    if (size <= 0) break;
    if (counted && !has_cut_ && carried + static_cast<uint64_t>(size) >= cut_after_bytes_) {
      send_all(to, buffer.data(), cut_after_bytes_ - carried);
      has_cut_ = true;
      break;
    }
    if (!send_all(to, buffer.data(), static_cast<size_t>(size))) break;
    carried += static_cast<uint64_t>(size);
  }
  ::shutdown(link.client, SHUT_RDWR);
  ::shutdown(link.server, SHUT_RDWR);
}

}  // namespace remote::test
