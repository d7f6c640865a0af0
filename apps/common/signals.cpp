#include "apps/common/signals.h"

#include <unistd.h>

#include <csignal>
#include <cstring>

namespace remote::app {
namespace {

std::atomic<int> g_signal{0};
const char* g_notice = "";
static_assert(std::atomic<int>::is_always_lock_free, "a signal handler may touch nothing else");

extern "C" void on_signal(int number) {
  if (g_signal.exchange(number) == 0) {
    [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, g_notice, std::strlen(g_notice));
    return;
  }
  std::signal(number, SIG_DFL);
  std::raise(number);
}

}  // namespace

void catch_signals(const char* notice) {
  g_notice = notice;
  struct sigaction action = {};
  action.sa_handler = on_signal;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  struct sigaction hangup = {};
  sigaction(SIGHUP, nullptr, &hangup);
  if (hangup.sa_handler != SIG_IGN) sigaction(SIGHUP, &action, nullptr);
}

const std::atomic<int>& stop_signal() { return g_signal; }

}  // namespace remote::app
