#pragma once
#include <ATen/core/dispatch/Dispatcher.h>
#include <c10/util/SmallVector.h>

#include <optional>

#include <remote/device/checks/argument_check.h>
#include <remote/device/checks/kernel_dtypes.h>
#include <remote/device/checks/numbers.h>
#include <remote/device/checks/out_dtypes.h>
#include <remote/device/shapes/shape_rule.h>
#include <remote/wire/precision.h>

namespace remote::device {

/// What the recorder needs to know of an op, found out once.
struct OpInfo {
  enum class Kind {
    kMutating,    ///< returns nothing, or the arguments that it writes: out variants, in-place ops
    kFunctional,  ///< returns new tensors
    kUnsupported, ///< returns a view, or something that is no tensor
  };

  /// How a kernel that isn't structured lays out an out that it resizes.
  enum class OutLayout { kRowMajor, kAsResult, kAsResultIfEmpty };

  explicit OpInfo(const c10::OperatorHandle& op);

  /// The arguments without the outs.
  c10::SmallVector<c10::IValue, 8> inputs_of(c10::ArrayRef<c10::IValue> arguments) const;

  c10::OperatorHandle op;
  Kind kind = Kind::kFunctional;
  size_t argument_count = 0;
  /// For each return of a mutating op: the argument that it is.
  c10::SmallVector<int, 4> returned_arguments;
  /// The arguments named as outs, whose sizes the caller may have left open.
  c10::SmallVector<int, 4> out_arguments;
  int generator_argument = -1;
  int device_argument = -1;
  /// Takes a device and no tensor.
  bool is_factory = false;
  /// A list of indices, which may lie on the CPU.
  int indices_argument = -1;
  bool data_dependent = false;
  /// Its CPU kernel takes an argument to write into that overlaps itself.
  bool takes_overlap = false;
  /// Its CPU kernel writes beyond an out whose batches don't lie one after another.
  bool reads_outs_as_batches = false;
  OutLayout out_layout = OutLayout::kRowMajor;
  OutDtypes out_dtypes = OutDtypes::kCastable;
  bool has_meta_kernel = false;
  wire::Products products;
  ShapeRule rule = nullptr;
  /// These two of a CPU worker.
  KernelGap kernel_gap;
  bool takes_numbers = false;
  /// Before anything is recorded.
  ArgumentCheck check = nullptr;
  /// The functional overload that is recorded in place of an out variant whose kernel would complain about the out.
  std::optional<c10::OperatorHandle> run_as;
};

/// Thread-safe; the object lives as long as the process, and stands for this op alone, also where another one of the
/// same name is registered later.
const OpInfo& op_info(const c10::OperatorHandle& op);

/// The functional overload that an out variant stands for: same arguments without the outs.
std::optional<c10::OperatorHandle> functional_twin(const c10::OperatorHandle& out_variant);

}  // namespace remote::device
