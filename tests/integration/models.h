#pragma once
#include <functional>
#include <memory>

#include <remote/remote.h>

namespace remote::test {

/// A network of plain torch::nn modules that knows nothing of where it lives.
class Network : public torch::nn::Module {
 public:
  virtual torch::Tensor forward(torch::Tensor input) = 0;
};

/// A network and what it learns from: made-up samples with a pattern in them, the number of which is no multiple of the
/// batch size.
struct Task {
  std::string name;
  std::function<std::shared_ptr<Network>()> make;  ///< makes and initialises it where the calling thread makes tensors
  torch::Tensor inputs;                            ///< CPU, samples first
  torch::Tensor targets;                           ///< CPU, int64
  int64_t batch_size = 32;
};

Task mlp_task();
/// Convolutions, batch norm, pooling, and dropout of 0.3.
Task cnn_task();
/// Two blocks of causal attention. With `dropout` in the attention it is the math of several ops, without it one op.
Task gpt_task(double attention_dropout);
/// An embedding, an LSTM of two layers with dropout between them, and a classifier.
Task lstm_task();

}  // namespace remote::test
