#include "steps.h"

#include <sstream>

#include "tests/support/same_bytes.h"

namespace remote::test {
namespace {

template <class Kind, class Options>
Optimizer optimizer(const std::string& name, Options options) {
  return {name, [options](std::vector<torch::Tensor> parameters) {
            return std::make_unique<Kind>(std::move(parameters), options);
          }};
}

Stats stats_of(torch::Device device) { return device.is_cpu() ? Stats() : stats(device); }

}  // namespace

std::vector<Optimizer> all_optimizers() {
  namespace optim = torch::optim;
  return {optimizer<optim::SGD>("SGD", optim::SGDOptions(0.05).momentum(0.9)),
          optimizer<optim::Adam>("Adam", optim::AdamOptions(2e-3)),
          optimizer<optim::AdamW>("AdamW", optim::AdamWOptions(2e-3).weight_decay(0.01)),
          optimizer<optim::RMSprop>("RMSprop", optim::RMSpropOptions(1e-3)),
          optimizer<optim::Adagrad>("Adagrad", optim::AdagradOptions(0.02))};
}

uint64_t Steps::waits() const {
  return recorded.client.synchronisations + recorded.tiers.asked + recorded.tiers.data_dependent;
}

Steps take_steps(const Model& model, const Optimizer& optimizer, torch::Device device, int count) {
  torch::manual_seed(17);
  const Stats before = stats_of(device);
  const auto learner = model.make(device, optimizer.make);

  Steps steps;
  std::vector<std::vector<FetchFuture<float>>> losses;
  for (int step = 0; step < count; ++step) {
    auto& of_step = losses.emplace_back();
    for (const auto& loss : learner->step()) of_step.push_back(fetch_scalar<float>(loss));
  }
  steps.recorded = stats_of(device) - before;

  for (const auto& of_step : losses) {
    auto& values = steps.losses.emplace_back();
    for (const auto& loss : of_step) values.push_back(loss.get());
  }
  steps.sent = stats_of(device) - before;
  for (const auto& [name, tensor] : learner->state()) steps.state[name] = tensor.detach().cpu().contiguous().clone();
  return steps;
}

std::string first_difference(const Steps& expected, const Steps& actual) {
  if (expected.losses.size() != actual.losses.size() || expected.state.size() != actual.state.size()) {
    return "different numbers of steps, parameters or buffers";
  }
  std::ostringstream text;
  for (size_t step = 0; step < expected.losses.size(); ++step) {
    const auto &wanted = expected.losses[step], &got = actual.losses[step];
    if (wanted.size() == got.size() && same_bytes(wanted.data(), got.data(), wanted.size() * sizeof(float))) continue;
    text << std::setprecision(9) << "step " << step << ": expected losses " << at::ArrayRef<float>(wanted) << ", got "
         << at::ArrayRef<float>(got);
    return text.str();
  }
  for (const auto& [name, tensor] : expected.state) {
    const auto found = actual.state.find(name);
    if (found != actual.state.end() && same_bytes(tensor, found->second)) continue;
    return "the losses are the same, and the final " + name + " differs";
  }
  return "";
}

}  // namespace remote::test
