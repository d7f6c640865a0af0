#include <remote/base/waiting.h>

#include <unistd.h>

#include <utility>

namespace remote {
namespace {
thread_local bool runs_ops = false;
thread_local std::mutex* locked_by_caller = nullptr;
AroundWait around;

/// Whether the calling thread holds a lock that it did not take itself: not every caller of a generator does.
bool is_held_here(std::mutex& mutex) {
#ifdef __GLIBC__
  return mutex.native_handle()->__data.__owner == ::gettid();
#else
  if (!mutex.try_lock()) return true;
  mutex.unlock();
  return false;
#endif
}
}  // namespace

void mark_worker_thread() {
  runs_ops = true;
}

Status may_wait() {
  if (!runs_ops) return {};
  return {StatusCode::kFailedPrecondition,
          "a kernel that an embedded worker runs can't wait for a remote tensor, because the worker would wait for "
          "itself; pass the tensor to the op as an argument, which comes to the kernel as one of the worker's own"};
}

void set_around_wait(AroundWait around_wait) {
  around = around_wait;
}

Waiting::Waiting() {
  if (around.is_needed == nullptr || !around.is_needed()) return;
  if (locked_by_caller != nullptr && is_held_here(*locked_by_caller)) {
    unlocked_ = locked_by_caller;
    unlocked_->unlock();
  }
  begun_ = around.begin();
}

Waiting::~Waiting() {
  if (begun_ != nullptr) around.end(begun_);
  if (unlocked_ != nullptr) unlocked_->lock();
}

LockedByCaller::LockedByCaller(std::mutex& mutex) : outer_(std::exchange(locked_by_caller, &mutex)) {}

LockedByCaller::~LockedByCaller() {
  locked_by_caller = outer_;
}

std::unique_lock<std::mutex> lock_while_waiting(std::mutex& mutex) {
  std::unique_lock lock(mutex, std::try_to_lock);
  if (!lock) {
    const Waiting waiting;
    lock.lock();
  }
  return lock;
}

}  // namespace remote
