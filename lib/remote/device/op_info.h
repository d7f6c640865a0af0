#pragma once
#include <ATen/core/dispatch/Dispatcher.h>
#include <c10/util/SmallVector.h>

#include <optional>

#include <remote/device/checks/argument_check.h>
#include <remote/device/checks/kernel_dtypes.h>
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

  explicit OpInfo(const c10::OperatorHandle& op);

  c10::OperatorHandle op;
  Kind kind = Kind::kFunctional;
  size_t argument_count = 0;
  /// For each return of a mutating op: the argument that it is.
  c10::SmallVector<int, 4> returned_arguments;
  /// The arguments named as outs, whose sizes the caller may have left open.
  c10::SmallVector<int, 4> out_arguments;
  int generator_argument = -1;
  int device_argument = -1;
  /// A list of indices, which may lie on the CPU.
  int indices_argument = -1;
  bool data_dependent = false;
  /// Its CPU kernel takes an argument to write into that overlaps itself.
  bool takes_overlap = false;
  bool has_meta_kernel = false;
  wire::Products products;
  ShapeRule rule = nullptr;
  /// Of a CPU worker.
  DtypeSet lacking_dtypes = 0;
  /// Before anything is recorded.
  ArgumentCheck check = nullptr;
  /// The functional overload that is recorded in place of an out variant whose kernel would complain about the out.
  std::optional<c10::OperatorHandle> run_as;
};

/// Thread-safe; the object lives as long as the process.
const OpInfo& op_info(const c10::OperatorHandle& op);

/// The functional overload that an out variant stands for: same arguments without the outs.
std::optional<c10::OperatorHandle> functional_twin(const c10::OperatorHandle& out_variant);

}  // namespace remote::device
