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
  /// Whether the calling thread holds that lock, and so has to call the others.
  bool (*is_needed)() = nullptr;
  void* (*begin)() = nullptr;
  void (*end)(void*) = nullptr;
};
/// While the library is loaded; all or none.
void set_around_wait(AroundWait around_wait);

/// A stretch of time in which the calling thread waits for a worker. Begins and ends under no lock, but those of
/// lock_while_waiting() and LockedByCaller.
class Waiting {
 public:
  Waiting();
  ~Waiting();
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;

 private:
  void* begun_ = nullptr;
  std::mutex* unlocked_ = nullptr;
};

/// For the calling thread, and calls that may come with `mutex` locked: whoever calls a generator is to lock it, and
/// Python's bindings do so while they hold Python's lock. A wait that gave up Python's alone could never have it back
/// from a thread that holds it and waits for this one; so it gives up both.
class LockedByCaller {
 public:
  explicit LockedByCaller(std::mutex& mutex);
  ~LockedByCaller();
  LockedByCaller(const LockedByCaller&) = delete;
  LockedByCaller& operator=(const LockedByCaller&) = delete;

 private:
  std::mutex* const outer_;
};

/// Locks what somebody may hold who waits for a worker.
std::unique_lock<std::mutex> lock_while_waiting(std::mutex& mutex);

}  // namespace remote
