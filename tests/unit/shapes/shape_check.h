#pragma once
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include <remote/device/shapes/shape_rule.h>

namespace remote::device {

using Values = std::vector<c10::IValue>;
using Ints = std::vector<int64_t>;

/// Runs aten::<op> on CPU, below autograd as a worker does, and expects the op's rule to have foretold every output:
/// whether there is one, its dtype, its sizes, its strides. Missing arguments take their defaults. A call that LibTorch
/// refuses, or that the rule leaves to the worker, fails the test.
void check(const std::string& op, Values arguments);

/// The same for an out variant: `arguments` end with outs that have no elements yet.
void check_out(const std::string& op, Values arguments);

/// Expects that the rule leaves the call to the worker.
void check_unknown(const std::string& op, Values arguments, c10::DeviceType worker = c10::DeviceType::CPU);

/// What the rule says, for a worker of any kind; fails the test when it says nothing.
OutputSpecs foretold(const std::string& op, Values arguments, c10::DeviceType worker);

/// Values between 0.1 and 0.9 for floating dtypes, 0 to 4 for integers.
at::Tensor filled(at::IntArrayRef sizes, at::ScalarType dtype = at::kFloat);

/// Tensors of these sizes in every layout that a program may pass: row-major, transposed, rotated dimensions, every
/// second element, rows with gaps, expanded, channels last with and without gaps, odd strides of dimensions of size 1.
std::vector<at::Tensor> layouts(at::IntArrayRef sizes, at::ScalarType dtype = at::kFloat);

/// The first four of them, for ops with several tensor arguments.
std::vector<at::Tensor> some_layouts(at::IntArrayRef sizes, at::ScalarType dtype = at::kFloat);

}  // namespace remote::device
