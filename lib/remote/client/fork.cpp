#include <remote/client/fork.h>

#include <pthread.h>

#include <atomic>

namespace remote::client {
namespace {

std::atomic<uint64_t> g_generation{0};

const bool g_registered = pthread_atfork(nullptr, nullptr, [] { g_generation.fetch_add(1); }) == 0;

}  // namespace

uint64_t fork_generation() {
  return g_generation.load(std::memory_order_relaxed);
}

}  // namespace remote::client
