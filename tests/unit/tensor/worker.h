#pragma once
#include <ATen/ATen.h>

namespace remote::test {

/// Served by a worker in this process, on the CPU.
inline const c10::Device kRemote("remote:0");

/// What an op writes that only the worker finds wrong: index_select of row 7 of 3.
inline at::Tensor failed_on_the_worker() {
  const at::Tensor table = at::ones({3, 2}, at::TensorOptions().device(kRemote));
  return table.index_select(0, at::full({1}, 7, at::TensorOptions(at::kLong).device(kRemote)));
}

}  // namespace remote::test
