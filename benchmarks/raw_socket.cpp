#include "benchmarks/raw_socket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <remote/device/error.h>

#include "benchmarks/sampling.h"

namespace remote::bench {
namespace {

constexpr size_t kSocketPieceBytes = 1 << 20;
enum Command : char { kTake = 't', kGive = 'g' };

bool send_all(int socket, const char* data, uint64_t bytes) {
  while (bytes > 0) {
    const ssize_t sent = send(socket, data, std::min<uint64_t>(bytes, kSocketPieceBytes), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    data += sent;
    bytes -= static_cast<uint64_t>(sent);
  }
  return true;
}

bool receive_all(int socket, char* data, uint64_t bytes) {
  while (bytes > 0) {
    const ssize_t received = recv(socket, data, std::min<uint64_t>(bytes, kSocketPieceBytes), 0);
    if (received < 0 && errno == EINTR) continue;
    if (received <= 0) return false;
    data += received;
    bytes -= static_cast<uint64_t>(received);
  }
  return true;
}

/// In the child of a process with threads: nothing here may allocate or lock.
[[noreturn]] void serve(int socket, char* buffer, uint64_t bytes, pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  char command = 0;
  while (getppid() == parent && receive_all(socket, &command, 1)) {
    const bool done = command == kTake ? receive_all(socket, buffer, bytes) && send_all(socket, &command, 1)
                                       : send_all(socket, buffer, bytes);
    if (!done) break;
  }
  _exit(0);
}

[[noreturn]] void fail(const char* what) {
  throw_error(StatusCode::kUnavailable,
              std::string("can't make a pair of sockets: ") + what + ": " + std::strerror(errno));
}

/// Both ends of a connection over loopback.
void connect_tcp(int ends[2]) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  if (listener < 0 || bind(listener, reinterpret_cast<sockaddr*>(&address), length) != 0 || listen(listener, 1) != 0 ||
      getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    fail("listen");
  }
  ends[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect(ends[0], reinterpret_cast<sockaddr*>(&address), length) != 0) fail("connect");
  if ((ends[1] = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC)) < 0) fail("accept");
  close(listener);
  const int on = 1;
  for (int i = 0; i < 2; ++i) setsockopt(ends[i], IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

}  // namespace

RawSocketPeer::RawSocketPeer(Kind kind, uint64_t bytes) : buffer_(bytes, 'x') {
  int ends[2] = {-1, -1};
  if (kind == Kind::kTcp) {
    connect_tcp(ends);
  } else if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    fail("socketpair");
  }
  const pid_t parent = getpid();
  peer_ = fork();
  if (peer_ == 0) {
    close(ends[0]);
    serve(ends[1], buffer_.data(), bytes, parent);
  }
  close(ends[1]);
  socket_ = ends[0];
  if (peer_ < 0) fail("fork");
}

RawSocketPeer::~RawSocketPeer() {
  close(socket_);
  if (peer_ > 0) {
    kill(peer_, SIGKILL);
    waitpid(peer_, nullptr, 0);
  }
}

double RawSocketPeer::upload() {
  const Stopwatch watch;
  char command = kTake;
  if (!send_all(socket_, &command, 1) || !send_all(socket_, buffer_.data(), buffer_.size()) ||
      !receive_all(socket_, &command, 1)) {
    throw_error(StatusCode::kUnavailable, "the raw socket's peer is gone");
  }
  return watch.seconds();
}

double RawSocketPeer::download() {
  const Stopwatch watch;
  const char command = kGive;
  if (!send_all(socket_, &command, 1) || !receive_all(socket_, buffer_.data(), buffer_.size())) {
    throw_error(StatusCode::kUnavailable, "the raw socket's peer is gone");
  }
  return watch.seconds();
}

}  // namespace remote::bench
