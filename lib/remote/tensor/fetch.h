#pragma once
#include <ATen/core/Tensor.h>

#include <chrono>
#include <memory>
#include <optional>
#include <utility>

namespace remote {

/// How to wait for a value.
struct FetchOptions {
  /// When to give up. None: wait for as long as the worker lives.
  std::optional<std::chrono::steady_clock::time_point> deadline;

  static FetchOptions within(std::chrono::milliseconds timeout) {
    return {std::chrono::steady_clock::now() + timeout};
  }
};

/// A tensor that is on its way from the worker. Copyable; all copies share one result. Thread-safe.
///
/// Destroying it does not wait.
class TensorFuture {
 public:
  class State;

  TensorFuture() = default;
  explicit TensorFuture(std::shared_ptr<State> state) : state_(std::move(state)) {}

  bool valid() const { return state_ != nullptr; }
  /// Whether get() would return (or throw) without waiting.
  bool ready() const;
  /// Waits up to `timeout` and says whether the value has come, or the error.
  bool wait_for(std::chrono::milliseconds timeout) const;
  /// The values as a CPU tensor of the shape and dtype that was asked for, contiguous. Every call returns the same
  /// tensor.
  ///
  /// Waits until every op that the value depends on has run; a call that has to wait counts as a synchronisation.
  /// Throws remote::Error: each time, the error of an op that the value depends on; once, an error that nobody has seen
  /// yet of any other op recorded earlier, after which the next call returns the value; UNAVAILABLE when the worker is
  /// gone; DEADLINE_EXCEEDED past the deadline, after which the value may still come.
  at::Tensor get(const FetchOptions& options = {}) const;

 private:
  const State& state() const;

  std::shared_ptr<State> state_;
};

/// Asks for a tensor's values without waiting: a record in the stream, so it reads the value as of this call, whatever
/// is recorded later. For a tensor that is not remote the future is ready at once. Throws remote::Error for an
/// undefined tensor, and where recording does.
TensorFuture fetch(const at::Tensor& tensor);

/// One number that is on its way; see TensorFuture.
template <class T>
class FetchFuture {
 public:
  FetchFuture() = default;
  explicit FetchFuture(TensorFuture tensor) : tensor_(std::move(tensor)) {}

  bool valid() const { return tensor_.valid(); }
  bool ready() const { return tensor_.ready(); }
  bool wait_for(std::chrono::milliseconds timeout) const { return tensor_.wait_for(timeout); }
  T get(const FetchOptions& options = {}) const { return tensor_.get(options).template item<T>(); }

 private:
  TensorFuture tensor_;
};

/// Asks for the value of a tensor with one element; does not wait. Throws for any other number of elements.
template <class T>
FetchFuture<T> fetch_scalar(const at::Tensor& tensor) {
  TORCH_CHECK_VALUE(tensor.defined() && tensor.numel() == 1,
                    "remote::fetch_scalar: expected a tensor with one element, got ", tensor.toString(), " ",
                    tensor.defined() ? tensor.sizes() : at::IntArrayRef());
  return FetchFuture<T>(fetch(tensor));
}

}  // namespace remote
