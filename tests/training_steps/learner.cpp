#include "learner.h"

namespace remote::test {
namespace {

class Classifier final : public OneLossLearner {
 public:
  Classifier(std::shared_ptr<Network> network, const Task& task, torch::Device device,
             const MakeOptimizer& make_optimizer)
      : OneLossLearner(*network, make_optimizer),
        network_(std::move(network)),
        inputs_(task.inputs.to(device)),
        targets_(task.targets.to(device)),
        batch_size_(task.batch_size) {}

 private:
  torch::Tensor loss(int step) override {
    const torch::Tensor scores = network_->forward(batch_of(inputs_, step, batch_size_));
    const torch::Tensor targets = batch_of(targets_, step, batch_size_);
    return torch::nn::functional::cross_entropy(scores, scores.dim() == 2 ? targets.flatten() : targets);
  }

  const std::shared_ptr<Network> network_;
  const torch::Tensor inputs_, targets_;
  const int64_t batch_size_;
};

}  // namespace

OneLossLearner::OneLossLearner(const torch::nn::Module& network, const MakeOptimizer& make_optimizer)
    : network_(network), optimizer_(make_optimizer(network.parameters())) {}

std::vector<torch::Tensor> OneLossLearner::step() {
  const torch::Tensor value = loss(step_++);
  optimizer_->zero_grad();
  value.backward();
  optimizer_->step();
  return {value.detach()};
}

std::map<std::string, torch::Tensor> OneLossLearner::state() const {
  std::map<std::string, torch::Tensor> state;
  add_state(state, "", network_);
  return state;
}

Model classifier(const std::string& name, const std::function<Task()>& make_task) {
  return {name, [make_task](torch::Device device, const MakeOptimizer& make_optimizer) {
            const Task task = make_task();
            std::shared_ptr<Network> network;
            {
              const DeviceScope scope(device);
              network = task.make();
            }
            return std::make_unique<Classifier>(std::move(network), task, device, make_optimizer);
          }};
}

torch::Tensor batch_of(const torch::Tensor& rows, int step, int64_t batch_size) {
  const int64_t batches = (rows.size(0) + batch_size - 1) / batch_size, begin = step % batches * batch_size;
  return rows.slice(0, begin, begin + batch_size);
}

void add_state(std::map<std::string, torch::Tensor>& state, const std::string& prefix,
               const torch::nn::Module& network) {
  for (const auto& item : network.named_parameters()) state[prefix + item.key()] = item.value();
  for (const auto& item : network.named_buffers()) state[prefix + item.key()] = item.value();
}

std::vector<Model> all_models() {
  std::vector<Model> all;
  for (const auto& family : {vision_models(), sequence_models(), generative_models(), recommender_models()}) {
    all.insert(all.end(), family.begin(), family.end());
  }
  return all;
}

}  // namespace remote::test
