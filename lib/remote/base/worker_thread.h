#pragma once
#include <remote/base/status.h>

namespace remote {

/// Tells that the calling thread runs a worker's ops. With an embedded worker it is one of the program's own, and a
/// kernel of the program's may come upon remote tensors there.
void mark_worker_thread();

/// FAILED_PRECONDITION on such a thread, where waiting for the worker would be waiting for oneself.
Status may_wait();

}  // namespace remote
