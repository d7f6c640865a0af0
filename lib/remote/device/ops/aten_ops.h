#pragma once
#include <ATen/core/operator_name.h>

#include <string>
#include <vector>

namespace remote::device {

/// The ops of LibTorch's own namespace, overload by overload, as they were when first asked for: while this library
/// loads. Thread-safe.
const std::vector<c10::OperatorName>& aten_ops();

/// What torch::Library::impl() of that namespace calls it: "add.Tensor".
std::string name_within_aten(const c10::OperatorName& op);

}  // namespace remote::device
