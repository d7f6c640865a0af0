#include <remote/optim/adam.h>
#include <remote/optim/adamw.h>
#include <remote/optim/sgd.h>

#include <remote/train/optimizer_of.h>

namespace remote::train {

template <>
struct StateFields<optim::SGDParamState> {
  template <class Visitor>
  static void visit(optim::SGDParamState& state, const Visitor& visitor) {
    visitor.moment("momentum_buffer", state.momentum_buffer());
  }
};

template <>
struct StateFields<optim::AdamParamState> {
  template <class Visitor>
  static void visit(optim::AdamParamState& state, const Visitor& visitor) {
    visitor.count("step", state.step());
    visitor.moment("exp_avg", state.exp_avg());
    visitor.moment("exp_avg_sq", state.exp_avg_sq());
    visitor.moment("max_exp_avg_sq", state.max_exp_avg_sq());
  }
};

namespace {

/// One of remote::optim.
template <class Kind, class KindOptions, class ParamState>
class FusedOptimizer final : public OptimizerOf<Kind, KindOptions, ParamState> {
 public:
  using OptimizerOf<Kind, KindOptions, ParamState>::OptimizerOf;

  void step(const at::Tensor& found_inf) override {
    auto& fused = static_cast<Kind&>(this->impl());
    fused.set_found_inf(found_inf);
    fused.step();
  }
  bool honours_found_inf() const override { return true; }
};

template <class NativeOptions>
NativeOptions adam_options(const AdamOptions& options) {
  return NativeOptions(options.lr)
      .betas({options.betas[0], options.betas[1]})
      .eps(options.eps)
      .amsgrad(options.amsgrad);
}

}  // namespace

std::unique_ptr<Optimizer> make_optimizer(const SGDOptions& options, const torch::nn::Module& module) {
  auto native = optim::SGDOptions(options.lr)
                    .momentum(options.momentum).dampening(options.dampening).nesterov(options.nesterov);
  return std::make_unique<FusedOptimizer<optim::SGD, optim::SGDOptions, optim::SGDParamState>>(module, options, native);
}

std::unique_ptr<Optimizer> make_optimizer(const AdamOptions& options, const torch::nn::Module& module) {
  return std::make_unique<FusedOptimizer<optim::Adam, optim::AdamOptions, optim::AdamParamState>>(
      module, options, adam_options<optim::AdamOptions>(options));
}

std::unique_ptr<Optimizer> make_optimizer(const AdamWOptions& options, const torch::nn::Module& module) {
  return std::make_unique<FusedOptimizer<optim::AdamW, optim::AdamWOptions, optim::AdamParamState>>(
      module, options, adam_options<optim::AdamWOptions>(options));
}

}  // namespace remote::train
