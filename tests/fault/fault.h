#pragma once
#include <gmock/gmock.h>

#include <chrono>
#include <string>

#include <remote/remote.h>

#include "support/process.h"
#include "support/worker_process.h"

namespace remote::test {

using namespace std::chrono_literals;

inline torch::Device there(int index = 0) { return torch::Device("remote:" + std::to_string(index)); }
inline torch::TensorOptions on(int index = 0) { return torch::TensorOptions(there(index)); }

/// Each test starts its workers and connects to them; whatever state they are in, the next test starts without.
class Fault : public testing::Test {
 protected:
  void SetUp() override { at::set_num_threads(1); }
  void TearDown() override {
    try {
      disconnect();
    } catch (const Error&) {
      // The test has looked at what it cares about.
    }
  }

  /// The status of the Error that `action` throws; ok when it throws none. The test fails when it takes longer than
  /// `limit`, by then a hang.
  template <class Action>
  static Status status_of(Action action, std::chrono::seconds limit = 20s) {
    const auto start = std::chrono::steady_clock::now();
    Status status;
    try {
      action();
    } catch (const Error& error) {
      status = error.status();
    } catch (const c10::Error& error) {
      status = {StatusCode::kUnknown, error.what_without_backtrace()};
    }
    EXPECT_LT(std::chrono::steady_clock::now() - start, limit) << "it took too long to say: " << status;
    return status;
  }
};

/// A small model that trains on made-up data, step by step.
class Trainee {
 public:
  explicit Trainee(torch::Device device = there()) : device_(device) {
    torch::manual_seed(1);
    const DeviceScope scope(device);
    network_ = torch::nn::Sequential(torch::nn::Linear(8, 32), torch::nn::ReLU(), torch::nn::Linear(32, 4));
    optimizer_ = std::make_unique<torch::optim::SGD>(network_->parameters(), torch::optim::SGDOptions(0.1));
  }

  /// One step on batch number `batch`; returns the loss without waiting for it.
  FetchFuture<float> step(int batch) { return step_on(labels_of(batch), batch); }
  /// The same with a label that no class has.
  FetchFuture<float> bad_step(int batch) {
    auto labels = labels_of(batch).clone();
    labels[2] = 9;
    return step_on(labels, batch);
  }

  std::vector<torch::Tensor> parameters() const { return network_->parameters(); }
  torch::Tensor weights() const {
    return torch::nn::utils::parameters_to_vector(network_->parameters()).detach().cpu();
  }
  torch::nn::Sequential& network() { return network_; }

 private:
  static torch::Tensor inputs_of(int batch) {
    auto generator = at::detail::createCPUGenerator(static_cast<uint64_t>(batch) + 1);
    return torch::randn({16, 8}, generator);
  }
  static torch::Tensor labels_of(int batch) { return inputs_of(batch).slice(1, 0, 4).argmax(1); }

  FetchFuture<float> step_on(const torch::Tensor& labels, int batch) {
    optimizer_->zero_grad();
    const auto loss =
        torch::nn::functional::cross_entropy(network_->forward(inputs_of(batch).to(device_)), labels.to(device_));
    loss.backward();
    optimizer_->step();
    return fetch_scalar<float>(loss.detach());
  }

  torch::Device device_;
  torch::nn::Sequential network_{nullptr};
  std::unique_ptr<torch::optim::Optimizer> optimizer_;
};

}  // namespace remote::test
