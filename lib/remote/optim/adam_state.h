#pragma once
#include <ATen/core/Tensor.h>
#include <torch/arg.h>
#include <torch/optim/optimizer.h>

namespace remote::optim {

/// What Adam and AdamW remember of a parameter.
struct AdamParamState : torch::optim::OptimizerCloneableParamState<AdamParamState> {
  /// How many steps were taken: float32, 0-dim, on the parameter's device, where alone it is known whether found_inf
  /// stopped a step. Parameters that step together share one tensor, and a step replaces it instead of changing it. A
  /// tensor on the CPU may be put here; the next step takes its value to the device.
  TORCH_ARG(at::Tensor, step);
  TORCH_ARG(at::Tensor, exp_avg);
  TORCH_ARG(at::Tensor, exp_avg_sq);
  /// Only with amsgrad.
  TORCH_ARG(at::Tensor, max_exp_avg_sq);

 public:
  /// Takes archives of torch::optim's Adam and AdamW as well, whose step is a number.
  void serialize(torch::serialize::InputArchive& archive) override;
  void serialize(torch::serialize::OutputArchive& archive) const override;
};

}  // namespace remote::optim
