#include <remote/data/batch_sampler.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <string>
#include <utility>

#include <remote/device/error.h>

// Note [Order of the data]
//
// The order has a generator of its own, so that what a model draws on its device never changes it, and the other way
// round. It is std::mt19937_64 seeded from std::seed_seq{seed low, seed high, stream low, stream high} (32 bits each),
// where stream is the number of the epoch (shuffled) or of the batch (with replacement). A draw below n is the high
// word of x * n for a 64-bit draw x, drawn again while the low word is under 2^64 mod n (Lemire, arXiv:1805.10941): no
// modulo bias. A permutation is Fisher and Yates' from the end: for i = n - 1 down to 1, swap i with a draw below i
// + 1. The C++ standard fixes the first two and this note the rest, so a seed means the same order on every machine and
// LibTorch release.

namespace remote::data {
namespace {

std::mt19937_64 generator_for(uint64_t seed, int64_t stream) {
  auto low = [](uint64_t x) { return static_cast<uint32_t>(x); };
  auto high = [](uint64_t x) { return static_cast<uint32_t>(x >> 32); };
  auto number = static_cast<uint64_t>(stream);
  std::seed_seq words{low(seed), high(seed), low(number), high(number)};
  return std::mt19937_64(words);
}

int64_t draw_below(std::mt19937_64& generator, int64_t bound) {
  auto n = static_cast<uint64_t>(bound);
  for (;;) {
    auto product = static_cast<unsigned __int128>(generator()) * n;
    if (static_cast<uint64_t>(product) >= (0 - n) % n) return static_cast<int64_t>(product >> 64);
  }
}

}  // namespace

BatchSampler BatchSampler::for_training(const Dataset& data, const BatchOptions& options, uint64_t seed) {
  BatchSampler sampler = for_validation(data, options);
  if (options.shuffle) sampler.order_ = data.stride() > 1 ? Order::kWithReplacement : Order::kShuffled;
  sampler.batch_size_ = options.batch_size;
  sampler.drop_last_ = options.drop_last;
  sampler.seed_ = seed;
  if (sampler.batches_per_epoch() == 0) {
    throw_error(StatusCode::kInvalidArgument,
                "there is no batch to train with: the data has " + std::to_string(sampler.examples_per_epoch_) +
                    " examples, batch_size is " + std::to_string(options.batch_size) +
                    (options.drop_last ? " and drop_last leaves out incomplete batches" : ""));
  }
  return sampler;
}

BatchSampler BatchSampler::for_validation(const Dataset& data, const BatchOptions& options) {
  BatchSampler sampler;
  sampler.size_ = data.size();
  sampler.stride_ = data.stride();
  sampler.examples_per_epoch_ = (sampler.size_ + sampler.stride_ - 1) / sampler.stride_;
  sampler.batch_size_ = options.val_batch_size > 0 ? options.val_batch_size : options.batch_size;
  return sampler;
}

int64_t BatchSampler::batches_per_epoch() const {
  return drop_last_ ? examples_per_epoch_ / batch_size_ : (examples_per_epoch_ + batch_size_ - 1) / batch_size_;
}

std::vector<int64_t> BatchSampler::batch(int64_t number) const {
  const int64_t epoch = number / batches_per_epoch();
  const int64_t first = number % batches_per_epoch() * batch_size_;
  std::vector<int64_t> examples(std::min(batch_size_, examples_per_epoch_ - first));
  if (order_ == Order::kSequential) {
    for (size_t i = 0; i < examples.size(); ++i) examples[i] = (first + static_cast<int64_t>(i)) * stride_;
  } else if (order_ == Order::kShuffled) {
    permute_for(epoch);
    std::copy_n(permutation_.begin() + first, examples.size(), examples.begin());
  } else {
    std::mt19937_64 generator = generator_for(seed_, number);
    for (int64_t& example : examples) example = draw_below(generator, size_);
  }
  return examples;
}

void BatchSampler::permute_for(int64_t epoch) const {
  if (epoch == permuted_epoch_) return;
  permutation_.resize(size_);
  std::iota(permutation_.begin(), permutation_.end(), 0);
  std::mt19937_64 generator = generator_for(seed_, epoch);
  for (int64_t i = size_ - 1; i > 0; --i) std::swap(permutation_[i], permutation_[draw_below(generator, i + 1)]);
  permuted_epoch_ = epoch;
}

}  // namespace remote::data
