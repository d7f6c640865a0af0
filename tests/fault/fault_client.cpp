// A program that uses a worker, for tests of what happens when one of the two ends: fault_client SCENARIO ADDRESS.
#include <unistd.h>

#include <iostream>

#include <remote/remote.h>

namespace {

torch::TensorOptions there() { return torch::TensorOptions(torch::Device("remote:0")); }

/// Trains for `steps` steps, or until something ends it.
void train(int64_t steps) {
  remote::nn::Sequential network(remote::nn::Linear(16, 32), remote::nn::ReLU(), remote::nn::Linear(32, 4));
  remote::optim::AdamW optimizer(network->parameters(), torch::optim::AdamWOptions(1e-3));
  const auto inputs = torch::rand({32, 16}, there());
  const auto labels = torch::randint(4, {32}, there().dtype(torch::kLong));
  for (int64_t step = 1; step <= steps; ++step) {
    optimizer.zero_grad();
    const auto loss = torch::nn::functional::cross_entropy(network->forward(inputs), labels);
    loss.backward();
    optimizer.step();
    if (step % 10 == 0) std::cout << "step " << step << " loss " << loss.item<float>() << std::endl;
  }
}

void hold() {
  std::vector<torch::Tensor> tensors;
  for (int i = 0; i < 8; ++i) tensors.push_back(torch::ones({1000}, there()));
  remote::synchronize();
  std::cout << "holding" << std::endl;
  for (;;) ::pause();
}

void leave_an_error() {
  torch::embedding(torch::zeros({3, 2}, there()), torch::tensor({5}).to(there().device()));
}

/// Records more than a second's work and leaves. LibTorch's kernels make static variables of their own when they run
/// first, which are destroyed when the program ends.
void leave_work_behind() {
  const auto image = torch::rand({1, 3, 16, 16}, there()), kernel = torch::rand({3, 4, 3, 3}, there());
  torch::conv_transpose2d(image, kernel);
  remote::synchronize();
  auto product = torch::rand({1000, 1000}, there());
  for (int i = 0; i < 30; ++i) product = product.mm(product) / 500;
  for (int64_t size = 17; size < 40; ++size) {
    torch::conv_transpose2d(torch::rand({1, 3, size, size}, there()), kernel);
    torch::conv2d(torch::rand({1, 4, size, size}, there()), kernel);
  }
}

void record_much() {
  static torch::Tensor kept = torch::ones({100}, there());
  for (int i = 0; i < 5000; ++i) kept.add_(1);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: fault_client SCENARIO ADDRESS\n";
    return 2;
  }
  const std::string scenario = argv[1];
  try {
    at::set_num_threads(1);
    remote::connect({argv[2]});
    if (scenario == "train") {
      train(INT64_MAX);
    } else if (scenario == "train-a-little") {
      train(20);
    } else if (scenario == "hold") {
      hold();
    } else if (scenario == "unseen-error") {
      leave_an_error();
    } else if (scenario == "leave-work-behind") {
      leave_work_behind();
    } else if (scenario == "exit-at-once") {
      record_much();
    } else {
      std::cerr << "no scenario " << scenario << "\n";
      return 2;
    }
  } catch (const remote::Error& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
}
