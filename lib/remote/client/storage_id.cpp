#include <remote/client/storage_id.h>

#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <ctime>

namespace remote::client {
namespace {

// The low 40 bits count: a process would have to make 10^12 storages to come near another's base. The top bit stays
// clear.
uint64_t random_base() {
  uint64_t drawn = 0;
  if (getentropy(&drawn, sizeof drawn) != 0) {
    drawn = (static_cast<uint64_t>(getpid()) << 48) ^ (static_cast<uint64_t>(std::time(nullptr)) << 40);
  }
  return (drawn & 0x7fffff0000000000) | 1;
}

std::atomic<uint64_t>& counter() {
  static std::atomic<uint64_t> next = [] {
    // A forked child would go on with its parent's numbers.
    pthread_atfork(nullptr, nullptr, [] { counter().store(random_base(), std::memory_order_relaxed); });
    return random_base();
  }();
  return next;
}

}  // namespace

uint64_t next_storage_id() {
  return reserve_storage_ids(1);
}

uint64_t reserve_storage_ids(uint64_t count) {
  return counter().fetch_add(count, std::memory_order_relaxed);
}

}  // namespace remote::client
