// Ordinary LibTorch code. The line that names the device is the only one that was changed; linking RemoteTorch::remote
// does the rest. The worker runs in this process, or at REMOTE_WORKERS=host:port.
#include <torch/torch.h>

#include <iostream>

struct NetImpl : torch::nn::Module {
  NetImpl() {
    register_module("conv", conv);
    register_module("norm", norm);
    register_module("dropout", dropout);
    register_module("fc", fc);
  }

  torch::Tensor forward(torch::Tensor x) {
    x = torch::max_pool2d(torch::relu(norm->forward(conv->forward(x))), 2);
    return fc->forward(dropout->forward(x.flatten(1)));
  }

  torch::nn::Conv2d conv{torch::nn::Conv2dOptions(1, 8, 3).padding(1)};
  torch::nn::BatchNorm2d norm{8};
  torch::nn::Dropout dropout{0.1};
  torch::nn::Linear fc{8 * 6 * 6, 2};
};
TORCH_MODULE(Net);

int main() try {
  const torch::Device device("remote:0");  // was: device(torch::kCPU)

  torch::manual_seed(0);
  Net net;
  net->to(device);
  torch::optim::SGD optimizer(net->parameters(), torch::optim::SGDOptions(0.05).momentum(0.9));

  // Which half of the picture is brighter?
  torch::Tensor images = torch::rand({256, 1, 12, 12});
  auto brightness = [&](int64_t column) { return images.narrow(3, column, 6).sum({1, 2, 3}); };
  torch::Tensor labels = (brightness(0) < brightness(6)).to(torch::kLong);
  images = images.to(device);
  labels = labels.to(device);

  float first = 0, last = 0;
  for (int epoch = 0; epoch < 20; ++epoch) {
    torch::Tensor total = torch::zeros({}, device);
    for (int64_t start = 0; start < 256; start += 64) {
      optimizer.zero_grad();
      torch::Tensor logits = net->forward(images.narrow(0, start, 64));
      torch::Tensor loss = torch::nn::functional::cross_entropy(logits, labels.narrow(0, start, 64));
      loss.backward();
      optimizer.step();
      total += loss.detach() / 4;
    }
    last = total.item<float>();
    if (epoch == 0) first = last;
  }
  std::cout << "loss " << first << " -> " << last << " on " << device << "\n";
  return last < 0.5f * first ? 0 : 1;
} catch (const c10::Error& error) {
  std::cerr << error.what_without_backtrace() << "\n";
  return 1;
}
