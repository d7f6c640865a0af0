#include <remote/base/process_memory.h>

#include <malloc.h>

#include <cstdlib>

namespace remote {

void keep_memory_for_tensors() {
#ifdef __GLIBC__
  constexpr int kMebibyte = 1 << 20;
  ::mallopt(M_MMAP_THRESHOLD, 32 * kMebibyte);  // the most that glibc takes
  ::mallopt(M_TRIM_THRESHOLD, 512 * kMebibyte);
#endif
  // LibTorch reads it when it makes its first tensor.
  ::setenv("THP_MEM_ALLOC_ENABLE", "1", /*overwrite=*/0);
}

void give_back_free_memory() {
#ifdef __GLIBC__
  ::malloc_trim(0);
#endif
}

}  // namespace remote
