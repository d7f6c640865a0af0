#pragma once
#include <functional>
#include <vector>

#include "device_under_test.h"

namespace remote::test {

/// Whether a tensor of the device under test is what LibTorch made on the CPU: dtype, shape and values, to the last bit
/// where the device promises that. NaNs equal NaNs.
testing::AssertionResult same(const torch::Tensor& expected, const torch::Tensor& actual);

/// Calls `compute` with the inputs on the CPU and with copies of them on the device under test, and compares what it
/// returns. Strides count too, so that what follows reads memory in the same order.
using Compute = std::function<std::vector<torch::Tensor>(const std::vector<torch::Tensor>& inputs)>;
testing::AssertionResult computes_the_same(const std::vector<torch::Tensor>& inputs, const Compute& compute);

}  // namespace remote::test
