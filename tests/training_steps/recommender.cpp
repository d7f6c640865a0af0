#include "learner.h"

namespace remote::test {
namespace {

namespace nn = torch::nn;
using torch::Tensor;

constexpr int64_t kItems = 40, kTags = 15, kNumbers = 6;

/// What is known of some users and items, one row each, and whether the user took the item.
struct Visits {
  Tensor history, history_offsets;  ///< items that each user took earlier: bags of different sizes
  Tensor tags, tag_weights;         ///< of each item, a fixed number
  Tensor item, numbers, taken;
};

/// Bags of items and tags beside dense features, as in Naumov et al., "Deep Learning Recommendation Model for
/// Personalization and Recommendation Systems": each kind of bag in a mode of its own.
class Recommender final : public nn::Module {
 public:
  Recommender() {
    const auto bag = [](int64_t count, torch::nn::EmbeddingBagMode mode) {
      return nn::EmbeddingBag(nn::EmbeddingBagOptions(count, kWidth).mode(mode));
    };
    history_ = register_module("history", bag(kItems, torch::kMean));
    recent_ = register_module("recent", bag(kItems, torch::kMax));
    tags_ = register_module("tags", bag(kTags, torch::kSum));
    item_ = register_module("item", nn::Embedding(kItems, kWidth));
    numbers_ = register_module("numbers", nn::Sequential(nn::Linear(kNumbers, kWidth), nn::ReLU()));
    head_ = register_module("head", nn::Sequential(nn::Linear(5 * kWidth, 16), nn::ReLU(), nn::Linear(16, 1)));
  }
  Tensor loss(const Visits& visits) {
    const Tensor item = item_(visits.item), history = history_(visits.history, visits.history_offsets);
    const Tensor recent = recent_(visits.history, visits.history_offsets);
    const Tensor tags = tags_->forward(visits.tags, /*offsets=*/{}, visits.tag_weights);
    const Tensor features = torch::cat({item, history * item, recent, tags, numbers_->forward(visits.numbers)}, 1);
    return nn::functional::binary_cross_entropy_with_logits(head_->forward(features).squeeze(1), visits.taken);
  }

 private:
  static constexpr int64_t kWidth = 8;
  nn::EmbeddingBag history_{nullptr}, recent_{nullptr}, tags_{nullptr};
  nn::Embedding item_{nullptr};
  nn::Sequential numbers_{nullptr}, head_{nullptr};
};

/// A user takes an item whose number is even, as all in the history are where the first of the numbers is positive.
Visits make_visits(at::Generator& generator, int64_t count, torch::Device device) {
  const auto indices = [&](int64_t end, at::IntArrayRef sizes) {
    return torch::randint(end, sizes, generator, torch::kLong);
  };
  const Tensor sizes = 1 + indices(5, {count});
  Visits visits;
  visits.history = indices(kItems, {sizes.sum().item<int64_t>()});
  visits.history_offsets = sizes.cumsum(0) - sizes;
  visits.tags = indices(kTags, {count, 3});
  visits.tag_weights = torch::rand({count, 3}, generator);
  visits.item = indices(kItems, {count});
  visits.numbers = torch::randn({count, kNumbers}, generator);
  visits.taken = visits.item.remainder(2).eq(visits.numbers.select(1, 0).gt(0)).to(torch::kFloat);
  for (Tensor* tensor : {&visits.history, &visits.history_offsets, &visits.tags, &visits.tag_weights, &visits.item,
                         &visits.numbers, &visits.taken}) {
    *tensor = tensor->to(device);
  }
  return visits;
}

class RecommenderLearner final : public OneLossLearner {
 public:
  RecommenderLearner(torch::Device device, const MakeOptimizer& make_optimizer)
      : RecommenderLearner(born<Recommender>(device), device, make_optimizer) {}

 private:
  RecommenderLearner(std::shared_ptr<Recommender> network, torch::Device device, const MakeOptimizer& make_optimizer)
      : OneLossLearner(*network, make_optimizer), network_(std::move(network)) {
    auto generator = at::detail::createCPUGenerator(26);
    for (const int64_t count : {16, 16, 5}) batches_.push_back(make_visits(generator, count, device));
  }

  Tensor loss(int step) override { return network_->loss(batches_[step % batches_.size()]); }

  const std::shared_ptr<Recommender> network_;
  std::vector<Visits> batches_;
};

}  // namespace

std::vector<Model> recommender_models() { return {model<RecommenderLearner>("Recommender")}; }

}  // namespace remote::test
