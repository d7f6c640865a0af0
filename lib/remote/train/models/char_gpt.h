#pragma once
#include <cstdint>

#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/embedding.h>

#include <remote/train/model.h>

namespace remote::train {

/// Names as nanoGPT's GPTConfig has them; the defaults are its setting for a CPU.
struct CharGPTOptions {
  int64_t vocab_size = 0;
  int64_t n_layer = 4;
  int64_t n_head = 4;
  /// A multiple of n_head.
  int64_t n_embd = 128;
  /// The longest sequence.
  int64_t block_size = 64;
  double dropout = 0;
  /// Of linear layers and layer norms.
  bool bias = false;
};

/// nanoGPT's GPT (https://github.com/karpathy/nanoGPT, model.py): pre-norm blocks of causal attention and a
/// feed-forward network, learned positions, the output layer tied to the token embedding. Parameters have nanoGPT's
/// names: "transformer.h.0.attn.c_attn.weight". Takes int64 [B, T] with T <= block_size, returns scores [B, T,
/// vocab_size].
class CharGPT final : public Model {
 public:
  /// Parameters are made, and initialised as nanoGPT does, where the calling thread's factories make tensors.
  explicit CharGPT(const CharGPTOptions& options);

  /// Throws c10::Error for another shape than [B, T] or a T above block_size.
  torch::Tensor forward(torch::Tensor tokens) override;

 private:
  void initialise();
  torch::Tensor embed(const torch::Tensor& tokens);

  CharGPTOptions options_;
  torch::nn::Embedding wte_{nullptr};
  torch::nn::Embedding wpe_{nullptr};
  torch::nn::ModuleList blocks_;
  std::vector<std::string> block_labels_;
  std::shared_ptr<torch::nn::Module> ln_f_;
};

}  // namespace remote::train
