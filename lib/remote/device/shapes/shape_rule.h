#pragma once
#include <ATen/core/ivalue.h>
#include <ATen/core/operator_name.h>
#include <c10/core/ScalarType.h>

#include <cstdint>

#include <remote/wire/reply.h>
#include <remote/wire/tensor_ref.h>

namespace remote::device {

/// What an op returns at one place, known before it runs. Conj and neg bits of an output are always clear.
struct OutputSpec {
  enum class Kind : uint8_t {
    kUndefined,  ///< no tensor at this place, or one that an output mask does not ask for
    kTensor,     ///< dtype, sizes and strides as LibTorch's kernel returns them; offset 0
    kOpaque,     ///< only the worker knows the size: workspaces, saved states
  };
  Kind kind = Kind::kUndefined;
  c10::ScalarType dtype = c10::ScalarType::Float;
  wire::Dims sizes;
  wire::Dims strides;  ///< elements
};

/// The returns of an op in schema order, flattened: a tensor list contributes each of its elements. Returns that alias
/// an argument (in-place and out variants) stand for what the argument has to become.
using OutputSpecs = c10::SmallVector<OutputSpec, 4>;

/// A call to be judged. Borrows; a rule reads sizes, strides, dtypes and non-tensor values, never a tensor's memory.
struct ShapeQuery {
  c10::ArrayRef<c10::IValue> arguments;  ///< in schema order and complete, defaults filled in
  const wire::Hardware& worker;          ///< some layouts and sizes depend on whose kernel runs
};

/// Fills `out`, which arrives empty. False: these arguments are outside what the rule knows, `out` is meaningless, and
/// the caller asks the worker. May throw c10::Error for arguments that the op itself would refuse.
///
/// Never blocks, needs no session and keeps nothing. Cost: some hundred nanoseconds for the ops of a training step.
using ShapeRule = bool (*)(const ShapeQuery& query, OutputSpecs& out);

/// The rule of an op, nullptr when there is none. Thread-safe. A hash lookup: callers keep the answer per op.
ShapeRule find_shape_rule(const c10::OperatorName& name);

/// The number of ops that have a rule.
size_t shape_rule_count();

}  // namespace remote::device
