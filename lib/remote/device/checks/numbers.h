#pragma once
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/ivalue.h>
#include <c10/util/ArrayRef.h>

#include <string_view>

namespace remote::device {

/// Whether LibTorch's kernels of an op of aten ("aten::pow") convert numbers among its arguments to the dtype that they
/// compute in.
bool converts_numbers(std::string_view op);

/// Throws what a CPU's kernel of such an op throws for a number that its tensors' dtype can't hold: 2^40 for Int, 1e30
/// for Half. Compares some numbers, as a rule.
void check_numbers(const c10::OperatorHandle& op, c10::ArrayRef<c10::IValue> arguments);

}  // namespace remote::device
