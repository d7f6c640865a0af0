#pragma once
#include <torch/optim/adam.h>

#include <remote/optim/adam_state.h>
#include <remote/optim/fused_optimizer.h>

namespace remote::optim {

/// torch::optim's own, so that what is written for one optimizer serves the other.
using AdamOptions = torch::optim::AdamOptions;

/// torch::optim::Adam as one op a step, and one for the count of steps. See FusedOptimizer. The kernel rounds in
/// another order than torch::optim's ops do: results agree with those to the last bits. Archives of torch::optim::Adam
/// can be loaded.
class Adam final : public FusedOptimizer {
 public:
  /// Throws c10::Error for options that make no sense, as torch::optim::Adam does.
  explicit Adam(const std::vector<torch::optim::OptimizerParamGroup>& param_groups, AdamOptions defaults = {});
  explicit Adam(std::vector<at::Tensor> params, AdamOptions defaults = {})
      : Adam({torch::optim::OptimizerParamGroup(std::move(params))}, std::move(defaults)) {}

  void save(torch::serialize::OutputArchive& archive) const override;
  void load(torch::serialize::InputArchive& archive) override;

 private:
  void step_group(torch::optim::OptimizerParamGroup& group) override;
};

}  // namespace remote::optim
