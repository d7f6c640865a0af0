#pragma once
#include <ATen/core/Tensor.h>

#include <deque>
#include <functional>

#include <remote/tensor/fetch.h>
#include <remote/train/lead.h>
#include <remote/train/metrics.h>

namespace remote::train {

/// The figures of training steps that are on their way from the device. A step's are asked for in one fetch, which
/// waits for nothing; they are handed over in the order of the steps when they have arrived. One thread.
class StepMetrics {
 public:
  /// Takes the figures of one step: the record, with what only the device knew put in front; no values for a step that
  /// is not logged. `bad_steps` is NanGuard's count at that step, 0 without a guard.
  using Sink = std::function<void(const MetricRecord& record, int64_t bad_steps)>;

  explicit StepMetrics(Sink sink) : sink_(std::move(sink)) {}

  /// `record` has what the host knows already. `grad_norm` and `bad_steps` may be undefined. Steps that are not logged
  /// are asked for as well, so that the guard is read and the lead known; is_due() says when.
  void ask(MetricRecord record, bool is_logged, const at::Tensor& loss, const at::Tensor& grad_norm,
           const at::Tensor& bad_steps);
  bool is_due(int64_t step) const { return step - asked_ >= Lead::kLeastSteps; }

  /// Hands over what has arrived.
  void poll();
  /// The same, and holds the caller back while `step` is too far ahead of the device. That keeps the device busy all
  /// the time, so it is no synchronisation.
  void keep_pace(int64_t step);
  /// Hands over everything; waits.
  void drain();

 private:
  struct Pending {
    MetricRecord record;
    bool is_logged;
    std::vector<std::string> names;
    bool guarded;
    TensorFuture values;  // float32: one for each of names, then bad_steps if guarded
  };
  void hand_over_first();

  Sink sink_;
  std::deque<Pending> pending_;
  Lead lead_;
  int64_t asked_ = 0;
};

}  // namespace remote::train
