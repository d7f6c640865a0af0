#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <utility>

#include <remote/base/status.h>
#include <remote/tensor/fetch.h>

namespace remote {

/// A tensor whose data lies on a worker: an at::Tensor on "remote:N", with what only a remote tensor has.
///
/// A handle, as at::Tensor is: copies share the storage, and the worker's memory is freed when the last handle goes,
/// without waiting. Converts to at::Tensor and back, so it goes wherever a tensor goes; the conversion from a tensor
/// that is on another device throws. As thread-safe as at::Tensor.
class RemoteTensor {
 public:
  /// No tensor; only defined() may be asked.
  RemoteTensor() = default;
  /// Throws remote::Error for a tensor that is not on a worker. Copies nothing.
  /* implicit */ RemoteTensor(at::Tensor tensor);
  /* implicit */ operator const at::Tensor&() const& { return tensor_; }

  /// Copies a CPU tensor to `device` (by default current_remote_device()): an upload at this place in the stream, so
  /// the source may be overwritten on return. Waits only while the worker is too far behind to take more bulk data. The
  /// result is a leaf that requires no gradient. Throws remote::Error for a tensor that is not on the CPU.
  static RemoteTensor from_local(const at::Tensor& local, std::optional<c10::Device> device = std::nullopt);

  /// Copies this tensor's elements into a new CPU tensor of the same shape and dtype.
  ///
  /// Blocks until every op that produced the value has run: one round trip plus the transfer of nbytes(). Counts as a
  /// synchronisation. Errors: those of TensorFuture::get(). Past the deadline the tensor stays usable.
  at::Tensor to_local(const FetchOptions& options = {}) const;
  /// The same without waiting; reads the value as of this call.
  TensorFuture to_local_async() const;

  const at::Tensor& tensor() const { return tensor_; }
  bool defined() const { return tensor_.defined(); }

  // Metadata; lives here and costs nothing.
  at::IntArrayRef sizes() const { return tensor_.sizes(); }
  int64_t size(int64_t dim) const { return tensor_.size(dim); }
  at::IntArrayRef strides() const { return tensor_.strides(); }
  int64_t storage_offset() const { return tensor_.storage_offset(); }
  int64_t dim() const { return tensor_.dim(); }
  int64_t numel() const { return tensor_.numel(); }
  size_t nbytes() const { return tensor_.nbytes(); }
  at::ScalarType dtype() const { return tensor_.scalar_type(); }
  c10::Device device() const { return tensor_.device(); }
  bool requires_grad() const { return tensor_.requires_grad(); }

  /// The id of the storage on the worker; views share it. Never 0 and never reused. See storage_registry().
  uint64_t storage_id() const;
  /// The address of the worker that holds the data. Connects when nothing has yet.
  std::string worker() const;

  /// Ok when the values can be read; else the error of the op that should have written them, or of the connection. One
  /// round trip, no data. Counts as a synchronisation, and the error as seen. Does not throw.
  Status status() const;
  /// Whether status() is an error: one round trip, as that. A failed op's outputs stay so until they are overwritten or remote::clear_errors()
  /// is called (docs/errors.md).
  bool is_poisoned() const { return !status().ok(); }

 private:
  at::Tensor tensor_;
};

/// Prints the values, then shape, dtype, device and worker; where the values can't be read, the error in their place.
/// One round trip, as to_local().
std::ostream& operator<<(std::ostream& out, const RemoteTensor& tensor);

}  // namespace remote
