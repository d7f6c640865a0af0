#pragma once
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/ivalue.h>

#include <optional>
#include <vector>

namespace remote::device {

/// Records an aten op as one op that keeps its tape on the worker, and gives its results a gradient function that is
/// one op, too (see Note [Taped ops] in remote/wire/taped_ops.h). For autograd's key and for inference mode alike.
///
/// `arguments` are those of the aten op, all of its tensors on one device, but for `batch_sizes`, which is given as a
/// list of integers. Returns what the op returns, or nullopt when no shape rule knows the arguments and nothing was
/// recorded. The results can be differentiated once, as with LibTorch's fused kernels.
std::optional<std::vector<at::Tensor>> record_taped(const c10::OperatorName& aten_op,
                                                    std::vector<c10::IValue> arguments);

}  // namespace remote::device
