#include <torch/optim/adagrad.h>
#include <torch/optim/rmsprop.h>

#include <remote/train/optimizer_of.h>

namespace remote::train {

template <>
struct StateFields<torch::optim::RMSpropParamState> {
  template <class Visitor>
  static void visit(torch::optim::RMSpropParamState& state, const Visitor& visitor) {
    visitor.count("step", state.step());
    visitor.moment("square_avg", state.square_avg());
    visitor.moment("momentum_buffer", state.momentum_buffer());
    visitor.moment("grad_avg", state.grad_avg());
  }
};

template <>
struct StateFields<torch::optim::AdagradParamState> {
  template <class Visitor>
  static void visit(torch::optim::AdagradParamState& state, const Visitor& visitor) {
    visitor.count("step", state.step());
    visitor.moment("sum", state.sum());
  }
};

namespace {

/// One of torch::optim's own.
template <class Kind, class KindOptions, class ParamState>
class TorchOptimizer final : public OptimizerOf<Kind, KindOptions, ParamState> {
 public:
  using OptimizerOf<Kind, KindOptions, ParamState>::OptimizerOf;

  void step(const at::Tensor&) override { this->impl().step(); }
  bool honours_found_inf() const override { return false; }
};

}  // namespace

std::unique_ptr<Optimizer> make_optimizer(const RMSpropOptions& options, const torch::nn::Module& module) {
  auto native = torch::optim::RMSpropOptions(options.lr)
                    .alpha(options.alpha).eps(options.eps).momentum(options.momentum).centered(options.centered);
  return std::make_unique<
      TorchOptimizer<torch::optim::RMSprop, torch::optim::RMSpropOptions, torch::optim::RMSpropParamState>>(
      module, options, native);
}

std::unique_ptr<Optimizer> make_optimizer(const AdagradOptions& options, const torch::nn::Module& module) {
  auto native = torch::optim::AdagradOptions(options.lr)
                    .lr_decay(options.lr_decay)
                    .initial_accumulator_value(options.initial_accumulator_value)
                    .eps(options.eps);
  return std::make_unique<
      TorchOptimizer<torch::optim::Adagrad, torch::optim::AdagradOptions, torch::optim::AdagradParamState>>(
      module, options, native);
}

}  // namespace remote::train
