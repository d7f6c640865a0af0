#include <remote/base/worker_thread.h>

namespace remote {
namespace {
thread_local bool runs_ops = false;
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

}  // namespace remote
