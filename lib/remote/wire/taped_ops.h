#pragma once
#include <ATen/core/dispatch/Dispatcher.h>

#include <optional>
#include <string_view>

namespace remote::wire {

// Note [Taped ops]
//
// LibTorch's CUDA code runs a recurrent layer or attention with one of several fused kernels, chosen by what the device
// can do, each with a backward pass and saved state of its own. A client can't make that choice, and need not: it asks
// the worker to run the whole op, under autograd, and to keep the graph that comes of it, the *tape*. The tape is one
// more output of the op, opaque as every saved state, and lives until the client releases its id. The backward pass is
// a second op, which takes the tape and the gradients of the outputs.
//
//   remote_taped::gru.input(<arguments of aten::gru.input>, bool[] needs_gradient) -> (<its returns>, Tensor tape)
//   remote_taped::backward(Tensor tape, Tensor?[] gradients) -> Tensor[]
//
// `needs_gradient` has one element for each tensor among the arguments, those of lists one by one. backward returns one
// gradient for each that was true; where the outputs don't depend on it, zeros. It may run more than once.
// `batch_sizes` of packed sequences, a tensor that has to lie on the CPU, is a list of integers here.

inline constexpr std::string_view kTapedNamespace = "remote_taped";

/// The taped form of an aten op, by the aten op's name; nullopt for an op that has none. Thread-safe.
std::optional<c10::OperatorHandle> taped_op(const c10::OperatorName& aten_op);
/// The aten op that a taped one runs.
c10::OperatorHandle untaped_op(const c10::OperatorName& taped_op);
/// The backward pass of all of them. Thread-safe.
c10::OperatorHandle taped_backward_op();
/// All taped forms, without the backward pass. Thread-safe.
const std::vector<c10::OperatorName>& taped_ops();

/// Whether an argument is one of those that become a list of integers.
bool is_batch_sizes(const c10::Argument& argument);

}  // namespace remote::wire
