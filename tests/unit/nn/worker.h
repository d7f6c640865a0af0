#pragma once
#include <ATen/ATen.h>

namespace remote::nn::test {

/// Served by a worker in this process, on the CPU.
inline const c10::Device kRemote("remote:0");

inline at::Tensor ones(at::IntArrayRef sizes) {
  return at::ones(sizes, at::TensorOptions(at::kFloat).device(kRemote));
}

}  // namespace remote::nn::test
