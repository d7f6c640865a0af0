#pragma once
#include <mutex>

#include <remote/base/status.h>

namespace remote {

/// Tells that the calling thread runs a worker's ops. With an embedded worker it is one of the program's own, and a
/// kernel of the program's may come upon remote tensors there.
void mark_worker_thread();

/// FAILED_PRECONDITION on such a thread, where waiting for the worker would be waiting for oneself.
Status may_wait();

/// What a thread calls before it blocks until a worker has done something, and after, with what the former returned:
/// how Python gives up the lock that an op of an embedded worker, or another thread, may need.
struct AroundWait {
  void* (*begin)() = nullptr;
  void (*end)(void*) = nullptr;
};
/// While the library is loaded; both or neither.
void set_around_wait(AroundWait around_wait);

/// A stretch of time in which the calling thread waits for a worker. Begins and ends under no lock, but those of
/// lock_while_waiting().
class Waiting {
 public:
  Waiting();
  ~Waiting();
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;

 private:
  void* begun_;
};

/// Locks what somebody may hold who waits for a worker.
std::unique_lock<std::mutex> lock_while_waiting(std::mutex& mutex);

}  // namespace remote
