#include "benchmarks/delay_proxy.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <deque>
#include <optional>
#include <string_view>

#include <remote/device/error.h>

namespace remote::bench {
namespace {

using Clock = std::chrono::steady_clock;
constexpr size_t kRelayPieceBytes = 256 << 10;
/// What one direction holds back at most; a fast line of 50 ms and 10 Gbit/s has as much on its way.
constexpr size_t kMaxHeldBytes = 64 << 20;

sockaddr_in loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

void send_at_once(int socket) {
  const int on = 1;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

int connect_to(uint16_t port) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback(port);
  if (connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return socket;
  close(socket);
  return -1;
}

}  // namespace

/// One direction of a connection: a thread that reads, and one that writes what is due.
class DelayProxy::Direction {
 public:
  Direction(int from, int to, std::chrono::milliseconds delay)
      : from_(from), to_(to), delay_(delay), reader_([this] { read_all(); }), writer_([this] { write_all(); }) {}
  /// The sockets have been shut down before.
  ~Direction() {
    reader_.join();
    writer_.join();
  }

 private:
  struct Piece {
    Clock::time_point due;
    std::string bytes;
  };

  void read_all() {
    std::string buffer(kRelayPieceBytes, '\0');
    while (true) {
      const ssize_t count = recv(from_, buffer.data(), buffer.size(), 0);
      if (count < 0 && errno == EINTR) continue;
      std::unique_lock lock(mutex_);
      if (count <= 0) {
        ended_ = true;
        changed_.notify_all();
        return;
      }
      changed_.wait(lock, [&] { return held_bytes_ < kMaxHeldBytes || broken_; });
      if (broken_) return;
      pieces_.push_back({Clock::now() + delay_, buffer.substr(0, static_cast<size_t>(count))});
      held_bytes_ += static_cast<size_t>(count);
      changed_.notify_all();
    }
  }

  void write_all() {
    while (auto piece = next()) {
      std::string_view left = *piece;
      while (!left.empty()) {
        const ssize_t count = send(to_, left.data(), left.size(), MSG_NOSIGNAL);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) break;
        left.remove_prefix(static_cast<size_t>(count));
      }
      std::lock_guard lock(mutex_);
      held_bytes_ -= piece->size();
      broken_ = !left.empty();
      changed_.notify_all();
      if (broken_) break;
    }
    shutdown(to_, SHUT_WR);
  }

  std::optional<std::string> next() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !pieces_.empty() || ended_; });
    if (pieces_.empty()) return std::nullopt;
    const Piece piece = std::move(pieces_.front());
    pieces_.pop_front();
    lock.unlock();
    std::this_thread::sleep_until(piece.due);
    return piece.bytes;
  }

  const int from_;
  const int to_;
  const std::chrono::milliseconds delay_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Piece> pieces_;
  size_t held_bytes_ = 0;
  bool ended_ = false;   // nothing more will be read
  bool broken_ = false;  // nothing more can be written
  std::thread reader_;
  std::thread writer_;
};

/// One connection through the proxy.
class DelayProxy::Line {
 public:
  Line(int client, int worker, std::chrono::milliseconds delay)
      : client_(client), worker_(worker), up_(std::make_unique<Direction>(client, worker, delay)),
        down_(std::make_unique<Direction>(worker, client, delay)) {}
  ~Line() {
    shutdown(client_, SHUT_RDWR);
    shutdown(worker_, SHUT_RDWR);
    up_.reset();
    down_.reset();
    close(client_);
    close(worker_);
  }

 private:
  const int client_;
  const int worker_;
  std::unique_ptr<Direction> up_;
  std::unique_ptr<Direction> down_;
};

DelayProxy::DelayProxy(const std::string& target, std::chrono::milliseconds one_way)
    : target_port_(static_cast<uint16_t>(std::stoul(target.substr(target.rfind(':') + 1)))), one_way_(one_way) {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(0);
  socklen_t length = sizeof address;
  if (listener_ < 0 || bind(listener_, reinterpret_cast<sockaddr*>(&address), length) != 0 ||
      listen(listener_, 16) != 0 || getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    throw_error(StatusCode::kUnavailable, std::string("the delaying proxy can't listen: ") + std::strerror(errno));
  }
  address_ = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  acceptor_ = std::thread([this] { accept_connections(); });
}

DelayProxy::~DelayProxy() {
  shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  lines_.clear();
  close(listener_);
}

void DelayProxy::accept_connections() {
  while (true) {
    const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0 && errno == EINTR) continue;
    if (client < 0) return;
    const int worker = connect_to(target_port_);
    if (worker < 0) {
      close(client);
      continue;
    }
    send_at_once(client);
    send_at_once(worker);
    lines_.push_back(std::make_unique<Line>(client, worker, one_way_));
  }
}

}  // namespace remote::bench
