#pragma once
#include <ATen/core/Tensor.h>
#include <torch/optim/optimizer.h>

namespace remote::optim {

/// A torch::optim::Optimizer whose step is one fused op for all parameters of a group that share device and dtype.
///
/// Used as any optimizer of LibTorch: options, parameter groups, schedulers, torch::save and torch::load. Parameters
/// may lie on a worker or on the CPU, and one optimizer may have both. A parameter without gradient is left alone. One
/// thread. A step waits for nothing; its first one also makes the state, a few ops a parameter. load() uploads what lies
/// on the CPU, and waits only for counts of steps that lie on a worker.
class FusedOptimizer : public torch::optim::Optimizer {
 public:
  /// While the tensor is 1 a step changes nothing, the count of steps included: a guard against bad gradients that
  /// never waits for their values. float32 with one element, on the parameters' device; kept by reference, so that it
  /// may change after the call. An undefined tensor removes the guard.
  void set_found_inf(at::Tensor found_inf);
  const at::Tensor& found_inf() const { return found_inf_; }

  /// Returns the closure's loss, or an undefined tensor without a closure. Throws c10::Error for a sparse gradient.
  at::Tensor step(LossClosure closure = nullptr) final;

 protected:
  using Optimizer::Optimizer;

  /// One step of the parameters of a group, without gradient mode.
  virtual void step_group(torch::optim::OptimizerParamGroup& group) = 0;
  /// found_inf() on a parameter's device; nullopt without a guard.
  std::optional<at::Tensor> found_inf_on(c10::Device device) const;

 private:
  at::Tensor found_inf_;
};

}  // namespace remote::optim
