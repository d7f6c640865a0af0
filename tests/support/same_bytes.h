#pragma once
#include <ATen/core/Tensor.h>

#include <cstring>

namespace remote::test {

inline bool same_bytes(const void* a, const void* b, size_t bytes) {
  return bytes == 0 || std::memcmp(a, b, bytes) == 0;
}

/// Of contiguous CPU tensors: same shape, dtype and bits, so that a NaN is like itself and 0 is not -0.
inline bool same_bytes(const at::Tensor& a, const at::Tensor& b) {
  return a.sizes() == b.sizes() && a.dtype() == b.dtype() &&
         same_bytes(a.const_data_ptr(), b.const_data_ptr(), a.nbytes());
}

}  // namespace remote::test
