#include "training.h"

#include "tests/support/same_bytes.h"

namespace remote::test {
namespace {

std::unique_ptr<torch::optim::Optimizer> make_optimizer(Optimizer kind, std::vector<torch::Tensor> parameters) {
  const auto sgd = torch::optim::SGDOptions(0.05).momentum(0.9).weight_decay(1e-4);
  const auto adamw = torch::optim::AdamWOptions(2e-3).weight_decay(0.01);
  switch (kind) {
    case Optimizer::kSgd: return std::make_unique<torch::optim::SGD>(std::move(parameters), sgd);
    case Optimizer::kAdamW: return std::make_unique<torch::optim::AdamW>(std::move(parameters), adamw);
    case Optimizer::kFusedSgd: return std::make_unique<optim::SGD>(std::move(parameters), sgd);
    case Optimizer::kFusedAdamW: return std::make_unique<optim::AdamW>(std::move(parameters), adamw);
  }
  return nullptr;
}

/// The order of the samples, epoch after epoch.
class Batches {
 public:
  Batches(int64_t samples, int64_t batch_size)
      : samples_(samples), batch_size_(batch_size), generator_(at::detail::createCPUGenerator(5)) {}

  torch::Tensor next() {
    if (begin_ >= samples_) begin_ = 0;
    if (begin_ == 0) order_ = torch::randperm(samples_, generator_, torch::kLong);
    const int64_t end = std::min(begin_ + batch_size_, samples_);
    const torch::Tensor batch = order_.slice(0, begin_, end);
    begin_ = end;
    return batch;
  }

 private:
  const int64_t samples_, batch_size_;
  at::Generator generator_;
  torch::Tensor order_;
  int64_t begin_ = 0;
};

Stats stats_of(torch::Device device) { return device.is_cpu() ? Stats() : stats(device); }

}  // namespace

TrainingRun train(const Task& task, Optimizer kind, torch::Device device, int steps) {
  torch::manual_seed(17);
  std::shared_ptr<Network> network;
  {
    const DeviceScope scope(device);
    network = task.make();
  }
  const auto optimizer = make_optimizer(kind, network->parameters());
  const torch::Tensor inputs = task.inputs.to(device), targets = task.targets.to(device);
  Batches batches(inputs.size(0), task.batch_size);

  TrainingRun run;
  std::vector<FetchFuture<float>> losses;
  Stats before = stats_of(device);
  for (int step = 0; step < steps; ++step) {
    const torch::Tensor index = batches.next().to(device);
    const torch::Tensor outputs = network->forward(inputs.index_select(0, index));
    const torch::Tensor loss =
        torch::nn::functional::cross_entropy(outputs, targets.index_select(0, index).flatten());
    optimizer->zero_grad();
    loss.backward();
    optimizer->step();
    losses.push_back(fetch_scalar<float>(loss.detach()));
    if (step == 0) {
      run.first_step = stats_of(device) - before;
      before = stats_of(device);
    }
  }
  run.later_steps = stats_of(device) - before;

  for (const auto& loss : losses) run.losses.push_back(loss.get());
  for (const auto& item : network->named_parameters())
    run.weights[item.key()] = item.value().detach().cpu().contiguous();
  for (const auto& item : network->named_buffers()) run.weights[item.key()] = item.value().cpu().contiguous();
  return run;
}

testing::AssertionResult same_bits(const TrainingRun& expected, const TrainingRun& actual) {
  if (expected.losses.size() != actual.losses.size() || expected.weights.size() != actual.weights.size()) {
    return testing::AssertionFailure() << "the runs have different numbers of steps or weights";
  }
  for (size_t step = 0; step < expected.losses.size(); ++step) {
    if (same_bytes(&expected.losses[step], &actual.losses[step], sizeof(float))) continue;
    return testing::AssertionFailure() << std::setprecision(9) << "step " << step << ": expected loss "
                                       << expected.losses[step] << ", got " << actual.losses[step];
  }
  for (const auto& [name, weight] : expected.weights) {
    if (same_bytes(weight, actual.weights.at(name))) continue;
    return testing::AssertionFailure() << "the final " << name << " differs";
  }
  return testing::AssertionSuccess();
}

}  // namespace remote::test
