#pragma once
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/ivalue.h>
#include <c10/util/ArrayRef.h>

#include <cmath>
#include <string_view>

namespace remote::device {

/// Whether LibTorch's kernels of an op of aten ("aten::pow") convert numbers among its arguments to the dtype that they
/// compute in.
bool converts_numbers(std::string_view op);

/// Whether there is a number among the arguments that not every dtype holds. Nearly always false; some comparisons.
inline bool has_large_number(c10::ArrayRef<c10::IValue> arguments) {
  for (const c10::IValue& value : arguments) {
    if (value.isInt() && (value.toInt() > 127 || value.toInt() < -127)) return true;
    if (value.isDouble() && !(std::abs(value.toDouble()) <= 127)) return true;
  }
  return false;
}

/// Throws what a CPU's kernel of such an op throws for a number that its tensors' dtype can't hold: 2^40 for Int, 1e30
/// for Half. Of arguments that have large numbers.
void check_numbers(const c10::OperatorHandle& op, c10::ArrayRef<c10::IValue> arguments);

/// Throws what LibTorch throws where it converts a number to a dtype that can't hold it.
void check_number(at::ScalarType dtype, const at::Scalar& number);

}  // namespace remote::device
