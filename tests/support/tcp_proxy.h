#pragma once
#include <atomic>
#include <cstdint>
#include <list>
#include <string>
#include <thread>

namespace remote::test {

/// A relay between clients and a server on 127.0.0.1 that breaks a connection in the middle of what it carries: the
/// first connection that has carried so many bytes in the given direction is closed at both ends. Others live on.
class TcpProxy {
 public:
  enum class Direction { kToServer, kToClient };

  TcpProxy(uint16_t server_port, Direction direction, uint64_t cut_after_bytes);
  ~TcpProxy();
  TcpProxy(const TcpProxy&) = delete;
  TcpProxy& operator=(const TcpProxy&) = delete;

  /// Where clients connect: "127.0.0.1:...".
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  bool has_cut() const { return has_cut_.load(); }

 private:
  struct Link {
    int client = -1, server = -1;
    std::thread to_server, to_client;
  };

  void accept_loop();
  void relay(const Link& link, Direction direction);

  const uint16_t server_port_;
  const Direction direction_;
  const uint64_t cut_after_bytes_;
  uint16_t port_ = 0;
  int listener_ = -1;
  std::atomic<bool> has_cut_{false};
  std::atomic<bool> stopping_{false};
  std::list<Link> links_;  // closed in the destructor, so that no descriptor is reused while a thread still has it
  std::thread acceptor_;
};

}  // namespace remote::test
