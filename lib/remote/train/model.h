#pragma once
#include <torch/nn/module.h>

namespace remote::train {

/// What can be trained: a torch::nn::Module that makes one tensor of one tensor. Its parameters live on the device that
/// the factories chose (see DeviceScope), and forward() runs there. Used from one thread at a time.
class Model : public torch::nn::Module {
 public:
  using torch::nn::Module::Module;

  /// Reads no value of a tensor: a training step waits for nothing.
  virtual torch::Tensor forward(torch::Tensor input) = 0;
};

}  // namespace remote::train
