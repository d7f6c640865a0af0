#pragma once
#include <ATen/core/Tensor.h>

#include <memory>
#include <string_view>

#include <remote/client/pending_value.h>

namespace remote::device {

/// A fetch and the CPU tensor that its values go to.
struct Fetch {
  std::shared_ptr<client::PendingValue> pending;
  at::Tensor values;

  /// Waits, and returns `values`, written. Throws the Error that came instead.
  const at::Tensor& get() const;
  /// For who has waited: what pending->wait() returned.
  void write(std::string_view bytes) const;
};

/// Asks for the values of a remote tensor as of this place in the stream, without waiting: dense, row-major, conj and
/// neg resolved. They go to `values`, a contiguous CPU tensor of the same shape and dtype, or to a new one. Throws
/// Error for a tensor that is not remote, or whose size only the worker knows.
Fetch fetch_values(const at::Tensor& tensor, at::Tensor values = {});

/// Copies the elements of a CPU tensor into a remote one, as copy_() does: broadcast to its sizes, converted to its
/// dtype. The source may be overwritten on return. Waits only where the worker is too far behind to take more bulk
/// data.
void upload_values(const at::Tensor& cpu, const at::Tensor& remote);

}  // namespace remote::device
