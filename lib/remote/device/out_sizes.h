#pragma once
#include <remote/device/op_info.h>

namespace remote::device {

/// Gives the outs of an out variant their sizes where the caller left them open: LibTorch's wrappers size them,
/// composite code and people often don't. Returns false when only running the functional overload tells, which then has
/// been done: the outs hold the results.
bool size_outs(const OpInfo& info, torch::jit::Stack& stack, c10::DeviceIndex device);

/// The outputs of a functional op of another namespace than aten, as its author's Meta kernel tells them; false where
/// it has none. (Of aten's functional ops few have one, and their strides are not always those of the real kernels.)
bool find_by_meta_kernel(const OpInfo& info, c10::ArrayRef<c10::IValue> arguments, OutputSpecs& outputs);

}  // namespace remote::device
