// Shapes: B batch, T time, C channels, H heads, S size of a head.
#include "models.h"

#include <cmath>

namespace remote::test {
namespace {

namespace nn = torch::nn;
using torch::Tensor;

constexpr int64_t kSamples = 7 * 16 + 5;  // the last batch of 16 has 5
constexpr int64_t kClasses = 6;

at::Generator data_generator() { return at::detail::createCPUGenerator(20); }

/// Classes that a linear layer of the inputs decides, so that there is something to learn.
Tensor classes_of(const Tensor& inputs) {
  auto generator = data_generator();
  const Tensor flat = inputs.flatten(1).to(torch::kFloat);
  return flat.matmul(torch::randn({flat.size(1), kClasses}, generator)).argmax(1);
}

class Mlp final : public Network {
 public:
  Mlp() {
    register_module("layers", layers_);
  }
  Tensor forward(Tensor input) override { return layers_->forward(input); }

 private:
  nn::Sequential layers_{nn::Linear(20, 32), nn::ReLU(), nn::Linear(32, 16), nn::Tanh(), nn::Linear(16, kClasses)};
};

class Cnn final : public Network {
 public:
  Cnn() { register_module("layers", layers_); }
  Tensor forward(Tensor input) override { return layers_->forward(input); }

 private:
  nn::Sequential layers_{nn::Conv2d(nn::Conv2dOptions(1, 6, 3).padding(1)),
                         nn::BatchNorm2d(6),
                         nn::ReLU(),
                         nn::MaxPool2d(2),
                         nn::Conv2d(nn::Conv2dOptions(6, 8, 3).bias(false)),
                         nn::BatchNorm2d(8),
                         nn::ReLU(),
                         nn::AdaptiveAvgPool2d(2),
                         nn::Flatten(),
                         nn::Dropout(0.3),
                         nn::Linear(32, kClasses)};
};

class Block final : public nn::Module {
 public:
  Block(int64_t width, int64_t heads, double attention_dropout) : heads_(heads), attention_dropout_(attention_dropout) {
    norm_1_ = register_module("norm_1", nn::LayerNorm(nn::LayerNormOptions({width})));
    norm_2_ = register_module("norm_2", nn::LayerNorm(nn::LayerNormOptions({width})));
    qkv_ = register_module("qkv", nn::Linear(width, 3 * width));
    projection_ = register_module("projection", nn::Linear(width, width));
    feed_forward_ = register_module("feed_forward", nn::Sequential(nn::Linear(width, 4 * width), nn::GELU(),
                                                                   nn::Linear(4 * width, width), nn::Dropout(0.1)));
    dropout_ = register_module("dropout", nn::Dropout(0.1));
  }

  Tensor forward(const Tensor& x_BTC) {
    const Tensor attended_BTC = x_BTC + dropout_(projection_(attend(norm_1_(x_BTC))));
    return attended_BTC + feed_forward_->forward(norm_2_(attended_BTC));
  }

 private:
  Tensor attend(const Tensor& x_BTC) {
    const int64_t batch = x_BTC.size(0), time = x_BTC.size(1), width = x_BTC.size(2);
    const auto parts = qkv_(x_BTC).split(width, 2);
    const auto heads = [&](const Tensor& part_BTC) {
      return part_BTC.view({batch, time, heads_, width / heads_}).transpose(1, 2);
    };
    const Tensor out_BHTS =
        at::scaled_dot_product_attention(heads(parts[0]), heads(parts[1]), heads(parts[2]), {},
                                         is_training() ? attention_dropout_ : 0, /*is_causal=*/true);
    return out_BHTS.transpose(1, 2).reshape({batch, time, width});
  }

  int64_t heads_;
  double attention_dropout_;
  nn::LayerNorm norm_1_{nullptr}, norm_2_{nullptr};
  nn::Linear qkv_{nullptr}, projection_{nullptr};
  nn::Sequential feed_forward_{nullptr};
  nn::Dropout dropout_{nullptr};
};

class Gpt final : public Network {
 public:
  Gpt(int64_t vocabulary, int64_t length, int64_t width, int64_t heads, double attention_dropout) {
    tokens_ = register_module("tokens", nn::Embedding(vocabulary, width));
    positions_ = register_module("positions", nn::Embedding(length, width));
    dropout_ = register_module("dropout", nn::Dropout(0.1));
    for (int i = 0; i < 2; ++i) {
      blocks_.push_back(register_module("block_" + std::to_string(i),
                                        std::make_shared<Block>(width, heads, attention_dropout)));
    }
    norm_ = register_module("norm", nn::LayerNorm(nn::LayerNormOptions({width})));
    head_ = register_module("head", nn::Linear(nn::LinearOptions(width, vocabulary).bias(false)));
  }

  Tensor forward(Tensor tokens_BT) override {
    const Tensor positions_T = torch::arange(tokens_BT.size(1), tokens_BT.options());
    Tensor x_BTC = dropout_(tokens_(tokens_BT) + positions_(positions_T));
    for (const auto& block : blocks_) x_BTC = block->forward(x_BTC);
    return head_(norm_(x_BTC)).flatten(0, 1);
  }

 private:
  nn::Embedding tokens_{nullptr}, positions_{nullptr};
  nn::Dropout dropout_{nullptr};
  std::vector<std::shared_ptr<Block>> blocks_;
  nn::LayerNorm norm_{nullptr};
  nn::Linear head_{nullptr};
};

class LstmClassifier final : public Network {
 public:
  LstmClassifier() {
    register_module("tokens", tokens_);
    register_module("lstm", lstm_);
    register_module("classifier", classifier_);
  }
  Tensor forward(Tensor tokens_BT) override {
    const Tensor states_BTC = std::get<0>(lstm_(tokens_(tokens_BT)));
    return classifier_(states_BTC.select(1, -1));
  }

 private:
  nn::Embedding tokens_{12, 8};
  nn::LSTM lstm_{nn::LSTMOptions(8, 16).num_layers(2).batch_first(true).dropout(0.2)};
  nn::Linear classifier_{16, kClasses};
};

}  // namespace

Task mlp_task() {
  auto generator = data_generator();
  const Tensor inputs = torch::randn({kSamples, 20}, generator);
  return {"mlp", [] { return std::make_shared<Mlp>(); }, inputs, classes_of(inputs), 16};
}

Task cnn_task() {
  auto generator = data_generator();
  const Tensor inputs = torch::randn({kSamples, 1, 10, 10}, generator);
  return {"cnn", [] { return std::make_shared<Cnn>(); }, inputs, classes_of(inputs), 16};
}

Task gpt_task(double attention_dropout) {
  static constexpr int64_t kVocabulary = 11, kLength = 12, kWidth = 24, kHeads = 3;
  auto generator = data_generator();
  // Each token follows from the one before it.
  const Tensor start = torch::randint(kVocabulary, {kSamples, 1}, generator, torch::kLong);
  const Tensor text = (start + 3 * torch::arange(kLength + 1)).remainder(kVocabulary);
  const auto make = [attention_dropout] {
    return std::make_shared<Gpt>(kVocabulary, kLength, kWidth, kHeads, attention_dropout);
  };
  return {"gpt", make, text.slice(1, 0, kLength).contiguous(), text.slice(1, 1).contiguous(), 16};
}

Task lstm_task() {
  auto generator = data_generator();
  const Tensor inputs = torch::randint(12, {kSamples, 7}, generator, torch::kLong);
  return {"lstm", [] { return std::make_shared<LstmClassifier>(); }, inputs, classes_of(inputs), 16};
}

}  // namespace remote::test
