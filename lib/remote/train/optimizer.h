#pragma once
#include <ATen/core/Tensor.h>

#include <memory>
#include <string>
#include <vector>

#include <remote/train/named_tensors.h>
#include <remote/train/options.h>

namespace torch::nn {
class Module;
}

namespace remote::train {

/// What the trainer needs of an optimizer, whichever it is. Holds the module's parameters, not the module. One thread;
/// nothing waits for the device.
class Optimizer {
 public:
  virtual ~Optimizer() = default;

  virtual void zero_grad() = 0;
  virtual void set_lr(double lr) = 0;
  /// `found_inf` is a float32 tensor with one element on the parameters' device, or undefined. While it is 1 the step
  /// changes nothing, where honours_found_inf().
  virtual void step(const at::Tensor& found_inf) = 0;
  virtual bool honours_found_inf() const = 0;

  /// What the optimizer remembers, under "<parameter>.<what>", for instance "fc.weight.exp_avg". Not copies.
  virtual NamedTensors state() const = 0;
  /// Continues from CPU copies of state(). Throws remote::Error for a name or a shape that does not belong; `source` is
  /// where the tensors come from.
  virtual void load_state(const NamedTensors& state, const std::string& source) = 0;

  /// The learning rate of the options, from which a schedule starts.
  virtual double base_lr() const = 0;
  virtual const std::vector<at::Tensor>& parameters() const = 0;
};

// For those parameters of a module that require a gradient, each once.

/// One worker-side op a step; see remote::optim.
std::unique_ptr<Optimizer> make_optimizer(const SGDOptions& options, const torch::nn::Module& module);
std::unique_ptr<Optimizer> make_optimizer(const AdamOptions& options, const torch::nn::Module& module);
std::unique_ptr<Optimizer> make_optimizer(const AdamWOptions& options, const torch::nn::Module& module);

/// torch::optim's own, several ops a parameter.
std::unique_ptr<Optimizer> make_optimizer(const RMSpropOptions& options, const torch::nn::Module& module);
std::unique_ptr<Optimizer> make_optimizer(const AdagradOptions& options, const torch::nn::Module& module);

}  // namespace remote::train
