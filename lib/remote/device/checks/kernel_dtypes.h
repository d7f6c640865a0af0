#pragma once
#include <ATen/core/ivalue.h>
#include <c10/util/ArrayRef.h>

#include <string_view>

#include <remote/wire/dtype_set.h>

namespace remote::device {

/// The dtypes for which LibTorch's CPU kernels of an op ("aten::gelu") are not implemented; none where that isn't
/// known. A worker would say so, after the call. Thread-safe.
wire::DtypeSet dtypes_that_cpus_lack(std::string_view op);

/// Throws c10::NotImplementedError, as the kernel would, where what the tensors promote to is among them.
void check_kernel_dtype(std::string_view op, wire::DtypeSet lacking, c10::ArrayRef<c10::IValue> arguments);

}  // namespace remote::device
