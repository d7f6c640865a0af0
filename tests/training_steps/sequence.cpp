// Shapes: B batch, S length of the source, T length of the target, W width.
#include "learner.h"

namespace remote::test {
namespace {

namespace nn = torch::nn;
using torch::Tensor;

class GruClassifier final : public Network {
 public:
  static constexpr int64_t kVocabulary = 12, kKinds = 4;

  GruClassifier() {
    register_module("tokens", tokens_);
    register_module("gru", gru_);
    register_module("classifier", classifier_);
  }
  Tensor forward(Tensor tokens_BT) override {
    return classifier_(std::get<0>(gru_(tokens_(tokens_BT))).select(1, -1));
  }

 private:
  nn::Embedding tokens_{kVocabulary, 8};
  nn::GRU gru_{nn::GRUOptions(8, 12).num_layers(2).batch_first(true).bidirectional(true).dropout(0.2)};
  nn::Linear classifier_{24, kKinds};
};

/// The last token tells the class.
Task gru_task() {
  auto generator = at::detail::createCPUGenerator(23);
  const Tensor tokens = torch::randint(GruClassifier::kVocabulary, {3 * 16 + 5, 7}, generator, torch::kLong);
  return {"gru", [] { return std::make_shared<GruClassifier>(); }, tokens,
          tokens.select(1, -1).remainder(GruClassifier::kKinds), 16};
}

/// torch::nn::Transformer, from a source of S tokens to T tokens.
class Translator final : public nn::Module {
 public:
  Translator(int64_t vocabulary, int64_t length) {
    tokens_ = register_module("tokens", nn::Embedding(vocabulary, kWidth));
    positions_ = register_parameter("positions", 0.1 * torch::randn({length, 1, kWidth}));
    transformer_ = register_module("transformer", nn::Transformer(nn::TransformerOptions(kWidth, 2, 2, 2)
                                                                      .dim_feedforward(2 * kWidth)
                                                                      .dropout(0.1)
                                                                      .activation(torch::kReLU)));
    head_ = register_module("head", nn::Linear(kWidth, vocabulary));
  }
  Tensor forward(const Tensor& source_SB, const Tensor& target_TB, const Tensor& mask_TT) {
    return head_(transformer_(embed(source_SB), embed(target_TB), Tensor(), mask_TT));
  }

 private:
  static constexpr int64_t kWidth = 16;

  Tensor embed(const Tensor& tokens) { return tokens_(tokens) + positions_.slice(0, 0, tokens.size(0)); }

  nn::Embedding tokens_{nullptr};
  Tensor positions_;
  nn::Transformer transformer_{nullptr};
  nn::Linear head_{nullptr};
};

/// Learns to say a sequence backwards. With its start or its end the target is one token longer than the source: were
/// they of one length, LibTorch's nn::MultiheadAttention would compare the values of query and memory (torch::equal),
/// and so wait.
class TranslatorLearner final : public OneLossLearner {
 public:
  TranslatorLearner(torch::Device device, const MakeOptimizer& make_optimizer)
      : TranslatorLearner(born<Translator>(device, kVocabulary, kLength + 1), device, make_optimizer) {}

 private:
  static constexpr int64_t kVocabulary = 11, kStart = 0, kEnd = 1, kLength = 6, kBatch = 8;

  TranslatorLearner(std::shared_ptr<Translator> network, torch::Device device, const MakeOptimizer& make_optimizer)
      : OneLossLearner(*network, make_optimizer), network_(std::move(network)) {
    auto generator = at::detail::createCPUGenerator(24);
    const Tensor source_BS =
        torch::randint(kEnd + 1, kVocabulary, {3 * kBatch + 3, kLength}, generator, torch::kLong);
    const auto column = [&](int64_t token) { return torch::full({source_BS.size(0), 1}, token, torch::kLong); };
    source_BS_ = source_BS.to(device);
    target_BT_ = torch::cat({column(kStart), source_BS.flip(1), column(kEnd)}, 1).to(device);
    mask_TT_ = nn::TransformerImpl::generate_square_subsequent_mask(kLength + 1).to(device);
  }

  Tensor loss(int step) override {
    const Tensor source_SB = batch_of(source_BS_, step, kBatch).t(), target_TB = batch_of(target_BT_, step, kBatch).t();
    const Tensor scores = network_->forward(source_SB, target_TB.slice(0, 0, -1), mask_TT_);
    return nn::functional::cross_entropy(scores.flatten(0, 1), target_TB.slice(0, 1).reshape(-1));
  }

  const std::shared_ptr<Translator> network_;
  Tensor source_BS_, target_BT_, mask_TT_;
};

}  // namespace

std::vector<Model> sequence_models() {
  return {classifier("LSTM", lstm_task), classifier("GRU", gru_task), classifier("GPT", [] { return gpt_task(0.1); }),
          model<TranslatorLearner>("Transformer")};
}

}  // namespace remote::test
