#pragma once
#include <ATen/core/Tensor.h>

#include <memory>

#include <remote/client/pending_value.h>

namespace remote::device {

/// Asks for the values of a remote tensor as of this place in the stream, without waiting: dense, row-major, conj and
/// neg resolved. Throws Error for a tensor that is not remote, or whose size only the worker knows.
std::shared_ptr<client::PendingValue> fetch_values(const at::Tensor& tensor);

/// The values as a CPU tensor of the same shape and dtype, from an answer that has come. Throws the Error that came
/// instead.
at::Tensor values_of(client::PendingValue& pending, const at::Tensor& tensor);

/// Copies the elements of a CPU tensor into a remote one, as copy_() does: broadcast to its sizes, converted to its
/// dtype. The source may be overwritten on return. Waits only where the worker is too far behind to take more bulk
/// data.
void upload_values(const at::Tensor& cpu, const at::Tensor& remote);

}  // namespace remote::device
