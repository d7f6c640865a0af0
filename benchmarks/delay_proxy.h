#pragma once
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace remote::bench {

/// A TCP relay on loopback that holds everything back for a while, as a long line does: bytes come out of it `one_way`
/// after they went in, in both directions and as many at a time as are sent. Ends its connections and threads with
/// itself.
class DelayProxy {
 public:
  /// `target`: "127.0.0.1:port". Throws remote::Error when no socket is to be had.
  DelayProxy(const std::string& target, std::chrono::milliseconds one_way);
  ~DelayProxy();
  DelayProxy(const DelayProxy&) = delete;
  DelayProxy& operator=(const DelayProxy&) = delete;

  /// Where to connect.
  const std::string& address() const { return address_; }

 private:
  class Direction;
  class Line;

  void accept_connections();

  const uint16_t target_port_;
  const std::chrono::milliseconds one_way_;
  std::string address_;
  int listener_ = -1;
  std::list<std::unique_ptr<Line>> lines_;  // of the accepting thread, until it has ended
  std::thread acceptor_;
};

}  // namespace remote::bench
