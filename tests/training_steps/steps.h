#pragma once
#include <map>
#include <string>
#include <vector>

#include "learner.h"

namespace remote::test {

inline constexpr int kSteps = 20;

/// An optimizer of torch::optim.
struct Optimizer {
  std::string name;
  MakeOptimizer make;
};

/// SGD with momentum, Adam, AdamW, RMSprop, Adagrad. L-BFGS is left out: how it goes on depends on values of losses and
/// gradients, so it reads dozens of them within a step, and waits for each by nature.
std::vector<Optimizer> all_optimizers();

/// What some training steps have left behind.
struct Steps {
  std::vector<std::vector<float>> losses;      ///< of each step
  std::map<std::string, torch::Tensor> state;  ///< parameters and buffers after them, on the CPU
  /// What the device did from the making of the model to the end of the last step; nothing on the CPU.
  Stats recorded;
  /// The same and the reading of the losses, by which everything recorded has been sent.
  Stats sent;

  /// How often the steps waited or asked the worker for the size of an output.
  uint64_t waits() const;
};

/// Takes steps on a device as any LibTorch program would: model made there, losses read at the end. One seed for all.
Steps take_steps(const Model& model, const Optimizer& optimizer, torch::Device device, int count = kSteps);

/// Where two runs first differ in a bit of a loss, or else of a parameter or buffer; "" if nowhere.
std::string first_difference(const Steps& expected, const Steps& actual);

}  // namespace remote::test
