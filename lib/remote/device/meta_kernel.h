#pragma once
#include <ATen/core/Tensor.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/stack.h>

namespace remote::device {

// An op on tensors that have sizes and no values: it tells the sizes of its results, and refuses what LibTorch refuses.

/// The like of a tensor, or of those in a value. A number in a tensor on the CPU stays.
at::Tensor to_meta(const at::Tensor& tensor);
c10::IValue to_meta(const c10::IValue& value);

/// A tensor like it on the CPU, of one element if it has any, or such ones for those of a list: a kernel says of it
/// what it says of dtypes and numbers.
at::Tensor sample_of(const at::Tensor& tensor);
c10::IValue sample_of(const c10::IValue& value);

/// Replaces arguments by results. Throws c10::NotImplementedError where there is no such kernel.
void call_meta_kernel(const c10::OperatorHandle& op, torch::jit::Stack& stack);

}  // namespace remote::device
