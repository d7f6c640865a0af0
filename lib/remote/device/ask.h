#pragma once
#include <ATen/core/ivalue.h>

#include <vector>

#include <remote/device/op_info.h>
#include <remote/device/shapes/shape_rule.h>

namespace remote::device {

/// What the worker answered when the same op was asked for with the same metadata and the same other arguments; false
/// when it never was. Thread-safe.
bool find_asked(const OpInfo& info, c10::ArrayRef<c10::IValue> arguments, c10::DeviceIndex device,
                OutputSpecs& outputs);

/// Records the op, waits for what it returned, and remembers it unless it depends on values. Counts as a
/// synchronisation at the op's name. The tensors come in the order of the schema's returns, lists flattened.
std::vector<at::Tensor> ask(const OpInfo& info, c10::ArrayRef<c10::IValue> arguments, c10::DeviceIndex device);

}  // namespace remote::device
