#include <proto/runtime.h>

#include <grpc/grpc.h>

namespace remote::proto {

void keep_runtime() {
  static const bool started = (grpc_init(), true);
  (void)started;
}

}  // namespace remote::proto
