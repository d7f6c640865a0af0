#pragma once
#include <torch/optim/adamw.h>

#include <remote/optim/adam_state.h>
#include <remote/optim/fused_optimizer.h>

namespace remote::optim {

using AdamWOptions = torch::optim::AdamWOptions;
using AdamWParamState = AdamParamState;

/// Adam with decoupled weight decay: to torch::optim::AdamW what Adam is to torch::optim::Adam.
class AdamW final : public FusedOptimizer {
 public:
  explicit AdamW(const std::vector<torch::optim::OptimizerParamGroup>& param_groups, AdamWOptions defaults = {});
  explicit AdamW(std::vector<at::Tensor> params, AdamWOptions defaults = {})
      : AdamW({torch::optim::OptimizerParamGroup(std::move(params))}, std::move(defaults)) {}

  void save(torch::serialize::OutputArchive& archive) const override;
  void load(torch::serialize::InputArchive& archive) override;

 private:
  void step_group(torch::optim::OptimizerParamGroup& group) override;
};

}  // namespace remote::optim
