#pragma once
#include <torch/optim/sgd.h>

#include <remote/optim/fused_optimizer.h>

namespace remote::optim {

/// torch::optim's own, so that what is written for one optimizer serves the other.
using SGDOptions = torch::optim::SGDOptions;
using SGDParamState = torch::optim::SGDParamState;

/// torch::optim::SGD as one op a step. See FusedOptimizer. Archives of torch::optim::SGD can be loaded.
///
/// On a CPU worker bit-equal to torch::optim::SGD, but for a tensor's last elements that fill no vector register: with
/// momentum or weight decay, these are rounded once less there.
///
/// Where found_inf stops a parameter's very first step and dampening is not 0, the next one counts as its second: the
/// momentum starts at (1 - dampening) times the gradient.
class SGD final : public FusedOptimizer {
 public:
  /// Throws c10::Error for options that make no sense, as torch::optim::SGD does.
  SGD(const std::vector<torch::optim::OptimizerParamGroup>& param_groups, SGDOptions defaults);
  SGD(std::vector<at::Tensor> params, SGDOptions defaults)
      : SGD({torch::optim::OptimizerParamGroup(std::move(params))}, std::move(defaults)) {}

  void save(torch::serialize::OutputArchive& archive) const override;
  void load(torch::serialize::InputArchive& archive) override;

 private:
  void step_group(torch::optim::OptimizerParamGroup& group) override;
};

}  // namespace remote::optim
