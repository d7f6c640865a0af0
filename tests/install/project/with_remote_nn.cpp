#include <remote/remote.h>

#include <iostream>

int main() {
  torch::manual_seed(0);
  remote::nn::Linear layer(4, 2);
  remote::optim::SGD optimizer(layer->parameters(), remote::optim::SGDOptions(0.1));
  const remote::RemoteTensor input = remote::RemoteTensor::from_local(torch::ones({8, 4}));

  float first = 0, last = 0;
  for (int step = 0; step < 5; ++step) {
    optimizer.zero_grad();
    torch::Tensor loss = layer->forward(input.tensor()).square().mean();
    loss.backward();
    optimizer.step();
    last = loss.item<float>();
    if (step == 0) first = last;
  }
  if (!(last < first)) {
    std::cerr << "the loss did not fall: " << first << " -> " << last << "\n";
    return 1;
  }
  std::cout << "trained on " << layer->weight.device() << "\n";
}
