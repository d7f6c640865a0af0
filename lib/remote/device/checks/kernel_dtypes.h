#pragma once
#include <ATen/core/ivalue.h>
#include <ATen/core/operator_name.h>
#include <c10/util/ArrayRef.h>

#include <string_view>

#include <remote/wire/dtype_set.h>

namespace remote::device {

/// The dtypes for which LibTorch's CPU kernels of an op are not implemented.
struct KernelGap {
  wire::DtypeSet dtypes;
  bool of_nothing_too = false;  ///< also where a tensor has no elements
};

/// Of an op of aten; none where that isn't known. A worker would say so, after the call. Thread-safe.
KernelGap dtypes_that_cpus_lack(const c10::OperatorName& name);

/// Throws c10::NotImplementedError, as the kernel would, where what the tensors promote to is among them.
void check_kernel_dtype(std::string_view op, const KernelGap& gap, c10::ArrayRef<c10::IValue> arguments);

}  // namespace remote::device
