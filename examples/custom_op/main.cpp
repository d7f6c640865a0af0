// Trains through an op of one's own on a worker.  custom_op [ADDRESS]
#include <remote/remote.h>

#include <iostream>

#include "ops.h"

int main(int argc, char** argv) try {
  remote::connect({argc > 1 ? argv[1] : "embedded"});
  torch::manual_seed(0);
  const torch::Tensor x = torch::linspace(-2, 2, 256).unsqueeze(1).to("remote");
  const torch::Tensor y = torch::tanh(0.7 * x);

  remote::nn::Linear layer(1, 1);
  remote::optim::SGD optimizer(layer->parameters(), remote::optim::SGDOptions(0.5));
  torch::Tensor first, loss;
  for (int step = 0; step < 100; ++step) {
    optimizer.zero_grad();
    loss = torch::mse_loss(example::scaled_tanh(layer->forward(x), 0.5), y);
    if (step == 0) first = loss.detach();
    loss.backward();
    optimizer.step();
  }
  const uint64_t asked = remote::stats().tiers.asked;
  std::cout << "loss " << first.item<float>() << " -> " << loss.item<float>() << "; asked the worker for " << asked
            << " sizes\n";
  return loss.item<float>() < 0.05f * first.item<float>() && asked == 0 ? 0 : 1;
} catch (const c10::Error& error) {
  std::cerr << error.what_without_backtrace() << "\n";
  return 1;
}
