#pragma once
#include <ATen/core/function_schema.h>
#include <ATen/core/ivalue.h>

#include <string_view>

namespace remote::device {

/// Throws c10::Error for arguments that a kernel of LibTorch would refuse by what is known of them without their
/// values.
using ArgumentCheck = void (*)(const c10::FunctionSchema& schema, c10::ArrayRef<c10::IValue> arguments);

/// The check of an op by its base name ("aten::mm"), nullptr when there is none. LibTorch looks at most arguments in
/// code that all devices share; what only its kernels look at would be refused by the worker, after the call.
/// Thread-safe.
ArgumentCheck find_argument_check(std::string_view op);

}  // namespace remote::device
