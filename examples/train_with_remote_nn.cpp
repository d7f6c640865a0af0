// A training loop whose tensors live on a worker.  train_with_remote_nn [ADDRESS]
#include <remote/remote.h>

#include <iostream>

int main(int argc, char** argv) try {
  remote::connect({argc > 1 ? argv[1] : "embedded"});  // "gpu-box:7070", "unix:/run/worker.sock"
  torch::manual_seed(0);

  remote::nn::Sequential net(remote::nn::Linear(2, 32), remote::nn::Tanh(), remote::nn::Linear(32, 1));
  remote::optim::AdamW optimizer(net->parameters(), remote::optim::AdamWOptions(1e-2));
  remote::name_parameters(*net);  // errors name the layer

  torch::Tensor points = torch::rand({512, 2}) * 2 - 1;  // on this machine
  auto x = remote::RemoteTensor::from_local(points);     // uploaded once
  auto y = remote::RemoteTensor::from_local(points.prod(1, /*keepdim=*/true));

  std::vector<remote::FetchFuture<float>> losses;
  for (int step = 0; step < 200; ++step) {
    optimizer.zero_grad();
    torch::Tensor loss = torch::mse_loss(net->forward(x.tensor()), y.tensor());
    loss.backward();
    optimizer.step();
    losses.push_back(remote::fetch_scalar<float>(loss));  // asks for the value and does not wait
  }

  const float first = losses.front().get(), last = losses.back().get();
  std::cout << "loss " << first << " -> " << last << " on " << x.worker() << "\n";
  return last < 0.2f * first ? 0 : 1;
} catch (const c10::Error& error) {
  std::cerr << error.what_without_backtrace() << "\n";
  return 1;
}
