#pragma once
#include <torch/nn/module.h>
#include <torch/optim/optimizer.h>

#include <set>
#include <utility>

#include <remote/device/error.h>
#include <remote/train/optimizer.h>

namespace remote::train {

/// An Optimizer made of one of LibTorch's kind. A derived class says what its state is.
class OptimizerBase : public Optimizer {
 public:
  void zero_grad() override { impl_->zero_grad(); }
  void set_lr(double lr) override {
    for (auto& group : impl_->param_groups()) group.options().set_lr(lr);
  }
  double base_lr() const override { return base_lr_; }
  const std::vector<at::Tensor>& parameters() const override { return parameters_; }

 protected:
  /// `make` makes the optimizer from groups without options; `with_decay` the options of a group.
  template <class Make, class WithDecay>
  OptimizerBase(const torch::nn::Module& module, const WeightDecayOptions& decay, double lr, Make make,
                WithDecay with_decay)
      : base_lr_(lr) {
    std::vector<at::Tensor> decayed, kept;
    std::set<const void*> seen;
    for (const auto& item : module.named_parameters()) {
      const at::Tensor& parameter = item.value();
      if (!parameter.requires_grad() || !seen.insert(parameter.unsafeGetTensorImpl()).second) continue;
      names_.push_back(item.key());
      parameters_.push_back(parameter);
      (decay.decay_matrices_only && parameter.dim() < 2 ? kept : decayed).push_back(parameter);
    }
    if (parameters_.empty()) {
      throw_error(StatusCode::kInvalidArgument, "the model has no parameter to train");
    }

    std::vector<torch::optim::OptimizerParamGroup> groups;
    std::vector<double> decays;
    auto add = [&](std::vector<at::Tensor> parameters, double weight_decay) {
      if (parameters.empty()) return;
      groups.emplace_back(std::move(parameters));
      decays.push_back(weight_decay);
    };
    add(std::move(decayed), decay.weight_decay);
    add(std::move(kept), 0);
    impl_ = make(groups);
    // Set afterwards: options given with a group that equal a type's defaults would be overridden by the optimizer's.
    for (size_t i = 0; i < decays.size(); ++i) impl_->param_groups()[i].set_options(with_decay(decays[i]));
  }

  /// In the module's order, as parameters().
  const std::vector<std::string>& names() const { return names_; }
  torch::optim::Optimizer& impl() const { return *impl_; }

 private:
  std::unique_ptr<torch::optim::Optimizer> impl_;
  std::vector<std::string> names_;
  std::vector<at::Tensor> parameters_;
  double base_lr_;
};

}  // namespace remote::train
