#include <remote/base/waiting.h>

namespace remote {
namespace {
thread_local bool runs_ops = false;
AroundWait around;
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

Waiting::Waiting() : begun_(around.begin != nullptr ? around.begin() : nullptr) {}

Waiting::~Waiting() {
  if (around.end != nullptr) around.end(begun_);
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
