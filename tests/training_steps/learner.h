#pragma once
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <remote/remote.h>

#include "tests/integration/models.h"

namespace remote::test {

/// One or several networks, their optimizers and their data, all on one device. The data is made by a generator of its
/// own on the CPU and moved once, when the learner is made.
class Learner {
 public:
  virtual ~Learner() = default;
  /// Takes a training step on the next batch. Its losses stay on the device.
  virtual std::vector<torch::Tensor> step() = 0;
  /// Parameters and buffers, by name, where they are.
  virtual std::map<std::string, torch::Tensor> state() const = 0;
};

/// Makes an optimizer for some parameters.
using MakeOptimizer = std::function<std::unique_ptr<torch::optim::Optimizer>(std::vector<torch::Tensor>)>;

/// A learner with one network, one loss and one optimizer.
class OneLossLearner : public Learner {
 public:
  std::vector<torch::Tensor> step() final;
  std::map<std::string, torch::Tensor> state() const final;

 protected:
  OneLossLearner(const torch::nn::Module& network, const MakeOptimizer& make_optimizer);
  /// Of the network on the batch of a step; steps count from 0.
  virtual torch::Tensor loss(int step) = 0;

 private:
  const torch::nn::Module& network_;
  std::unique_ptr<torch::optim::Optimizer> optimizer_;
  int step_ = 0;
};

/// What a training step is made for.
struct Model {
  std::string name;
  /// Makes and initialises a learner on a device; draws from the device's default generator.
  std::function<std::unique_ptr<Learner>(torch::Device, const MakeOptimizer&)> make;
};

template <class L>
Model model(const std::string& name) {
  return {name, [](torch::Device device, const MakeOptimizer& make_optimizer) {
            return std::make_unique<L>(device, make_optimizer);
          }};
}

/// A network from inputs to scores of classes, and the cross entropy of these.
Model classifier(const std::string& name, const std::function<Task()>& task);

/// Makes a network on a device.
template <class Network, class... Arguments>
std::shared_ptr<Network> born(torch::Device device, Arguments&&... arguments) {
  const DeviceScope scope(device);
  return std::make_shared<Network>(std::forward<Arguments>(arguments)...);
}

/// The rows of the batch of a step, round after round; the last batch of a round may be smaller.
torch::Tensor batch_of(const torch::Tensor& rows, int step, int64_t batch_size);

/// Parameters and buffers of a network, by name after the prefix.
void add_state(std::map<std::string, torch::Tensor>& state, const std::string& prefix,
               const torch::nn::Module& network);

/// All twelve, family by family.
std::vector<Model> all_models();
std::vector<Model> vision_models();
std::vector<Model> sequence_models();
std::vector<Model> generative_models();
std::vector<Model> recommender_models();

}  // namespace remote::test
