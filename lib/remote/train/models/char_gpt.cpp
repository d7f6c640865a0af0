#include <remote/train/models/char_gpt.h>

#include <torch/nn/init.h>
#include <torch/nn/modules/linear.h>

#include <cmath>

#include <remote/train/layer_scope.h>

// Shapes: B batch, T length, C width (n_embd), H heads, D width of a head, V vocabulary.

namespace remote::train {
namespace {

namespace nn = torch::nn;
using torch::Tensor;

constexpr double kInitialStd = 0.02;
constexpr double kNormEps = 1e-5;

/// torch::nn's has no switch for the bias.
class LayerNormImpl : public nn::Module {
 public:
  LayerNormImpl(int64_t width, bool bias) {
    weight_ = register_parameter("weight", torch::ones({width}));
    if (bias) bias_ = register_parameter("bias", torch::zeros({width}));
  }
  Tensor forward(const Tensor& x) { return torch::layer_norm(x, weight_.sizes(), weight_, bias_, kNormEps); }

 private:
  Tensor weight_;
  Tensor bias_;
};
TORCH_MODULE(LayerNorm);

class AttentionImpl : public nn::Module {
 public:
  explicit AttentionImpl(const CharGPTOptions& options)
      : heads_(options.n_head),
        dropout_(options.dropout),
        c_attn_(register_module(
            "c_attn", nn::Linear(nn::LinearOptions(options.n_embd, 3 * options.n_embd).bias(options.bias)))),
        c_proj_(register_module("c_proj",
                                nn::Linear(nn::LinearOptions(options.n_embd, options.n_embd).bias(options.bias)))) {}

  Tensor forward(const Tensor& x_BTC) {
    const int64_t batch = x_BTC.size(0), length = x_BTC.size(1), width = x_BTC.size(2);
    auto heads = [&](const Tensor& x) { return x.view({batch, length, heads_, width / heads_}).transpose(1, 2); };
    const std::vector<Tensor> qkv = c_attn_->forward(x_BTC).split(width, 2);
    const double attention_dropout = is_training() ? dropout_ : 0.0;
    const Tensor y_BHTD = torch::scaled_dot_product_attention(heads(qkv[0]), heads(qkv[1]), heads(qkv[2]), {},
                                                              attention_dropout, /*is_causal=*/true);
    const Tensor y_BTC = y_BHTD.transpose(1, 2).reshape({batch, length, width});
    return torch::dropout(c_proj_->forward(y_BTC), dropout_, is_training());
  }

 private:
  int64_t heads_;
  double dropout_;
  nn::Linear c_attn_;
  nn::Linear c_proj_;
};
TORCH_MODULE(Attention);

class FeedForwardImpl : public nn::Module {
 public:
  explicit FeedForwardImpl(const CharGPTOptions& options)
      : dropout_(options.dropout),
        c_fc_(register_module("c_fc",
                              nn::Linear(nn::LinearOptions(options.n_embd, 4 * options.n_embd).bias(options.bias)))),
        c_proj_(register_module(
            "c_proj", nn::Linear(nn::LinearOptions(4 * options.n_embd, options.n_embd).bias(options.bias)))) {}

  Tensor forward(const Tensor& x_BTC) {
    return torch::dropout(c_proj_->forward(torch::gelu(c_fc_->forward(x_BTC))), dropout_, is_training());
  }

 private:
  double dropout_;
  nn::Linear c_fc_;
  nn::Linear c_proj_;
};
TORCH_MODULE(FeedForward);

class BlockImpl : public nn::Module {
 public:
  explicit BlockImpl(const CharGPTOptions& options)
      : ln_1_(register_module("ln_1", LayerNorm(options.n_embd, options.bias))),
        attn_(register_module("attn", Attention(options))),
        ln_2_(register_module("ln_2", LayerNorm(options.n_embd, options.bias))),
        mlp_(register_module("mlp", FeedForward(options))) {}

  Tensor forward(const Tensor& x_BTC) {
    const Tensor attended = x_BTC + attn_->forward(ln_1_->forward(x_BTC));
    return attended + mlp_->forward(ln_2_->forward(attended));
  }

 private:
  LayerNorm ln_1_;
  Attention attn_;
  LayerNorm ln_2_;
  FeedForward mlp_;
};
TORCH_MODULE(Block);

}  // namespace

CharGPT::CharGPT(const CharGPTOptions& options) : Model("CharGPT"), options_(options) {
  TORCH_CHECK(options.vocab_size > 0 && options.n_layer > 0 && options.n_head > 0 && options.block_size > 0,
              "CharGPT: vocab_size, n_layer, n_head and block_size must be above 0, got ", options.vocab_size, ", ",
              options.n_layer, ", ", options.n_head, " and ", options.block_size);
  TORCH_CHECK(options.n_embd > 0 && options.n_embd % options.n_head == 0,
              "CharGPT: n_embd must be a multiple of n_head (", options.n_head, "), got ", options.n_embd);

  auto transformer = register_module("transformer", std::make_shared<nn::Module>());
  wte_ = transformer->register_module("wte", nn::Embedding(options.vocab_size, options.n_embd));
  wpe_ = transformer->register_module("wpe", nn::Embedding(options.block_size, options.n_embd));
  blocks_ = transformer->register_module("h", nn::ModuleList());
  for (int64_t i = 0; i < options.n_layer; ++i) {
    blocks_->push_back(Block(options));
    block_labels_.push_back("layer transformer.h." + std::to_string(i));
  }
  ln_f_ = transformer->register_module("ln_f", LayerNorm(options.n_embd, options.bias));
  register_module("lm_head", std::make_shared<nn::Module>())->register_parameter("weight", wte_->weight);
  initialise();
}

void CharGPT::initialise() {
  const double residual_std = kInitialStd / std::sqrt(2.0 * static_cast<double>(options_.n_layer));
  for (const auto& item : named_parameters()) {
    const std::string& name = item.key();
    if (name.ends_with("bias")) nn::init::zeros_(item.value());
    // Of the two names of the tied weight one is enough; vectors are those of layer norms.
    if (item.value().dim() < 2 || name == "lm_head.weight") continue;
    nn::init::normal_(item.value(), 0.0, name.ends_with("c_proj.weight") ? residual_std : kInitialStd);
  }
}

Tensor CharGPT::embed(const Tensor& tokens_BT) {
  TORCH_CHECK(tokens_BT.dim() == 2 && tokens_BT.size(1) <= options_.block_size,
              "CharGPT takes sequences [batch, length] with a length of at most its block_size (", options_.block_size,
              "), got ", tokens_BT.sizes());
  const Tensor positions_TC = wpe_->weight.narrow(0, 0, tokens_BT.size(1));
  return torch::dropout(wte_->forward(tokens_BT) + positions_TC, options_.dropout, is_training());
}

Tensor CharGPT::forward(Tensor tokens_BT) {
  Tensor x_BTC = run_layer("layer transformer.wte", [&] { return embed(tokens_BT); });
  for (size_t i = 0; i < block_labels_.size(); ++i) {
    auto& block = static_cast<BlockImpl&>(*blocks_[i]);
    x_BTC = run_layer(block_labels_[i], [&] { return block.forward(x_BTC); });
  }
  return run_layer("layer lm_head", [&] {
    return torch::linear(static_cast<LayerNormImpl&>(*ln_f_).forward(x_BTC), wte_->weight);
  });
}

}  // namespace remote::train
