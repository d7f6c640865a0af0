#pragma once
#include <ATen/core/operator_name.h>

namespace remote::device {

/// Whether what an op returns, its sizes or a value for the host, can depend on the data of its arguments: where its
/// shape rule gives no answer, the worker has to be asked at every call, and the answer must not be cached.
///
/// By the op's tags (dynamic_output_shape, data_dependent_output) and a short list of corrections. Thread-safe; false
/// for an op that is not registered.
bool is_data_dependent(const c10::OperatorName& name);

}  // namespace remote::device
