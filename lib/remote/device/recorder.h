#pragma once
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/ivalue.h>

#include <remote/device/op_info.h>
#include <remote/wire/tensor_ref.h>

namespace remote::device {

/// Records an op on remote tensors instead of running it: the boxed kernel behind every op of the device.
///
/// Returns tensors whose metadata is known from, in this order: the outs that came with the call (which LibTorch's
/// structured ops have sized), our shape rules, the Meta kernel of an op of a custom library, an answer that the worker
/// gave earlier, the worker (a round trip, counted). Thread-safe.
/// Throws Error: arguments on several devices, an op that returns no tensors, or an earlier error of the worker that
/// nobody has seen.
void record_op(const c10::OperatorHandle& op, c10::DispatchKeySet keys, torch::jit::Stack* stack);

/// Records an op whose results go into its arguments.
void record_mutation(const OpInfo& info, c10::ArrayRef<c10::IValue> arguments, c10::DeviceIndex device);

/// Records an op whose outputs the caller knows, and returns them: opaque ones as tensors without elements.
std::vector<at::Tensor> record_declared(const OpInfo& info, c10::ArrayRef<c10::IValue> arguments,
                                        c10::DeviceIndex device, const OutputSpecs& specs);

/// A remote tensor over a storage.
at::Tensor make_tensor(c10::Storage storage, c10::ScalarType dtype, c10::IntArrayRef sizes, c10::IntArrayRef strides);

/// Backward passes of the calling thread run on it, not on autograd's thread for the device: handing over costs more
/// than recording does, and records keep the order of the program. Once per thread; a program may turn it back on.
void run_backward_on_this_thread();

}  // namespace remote::device
