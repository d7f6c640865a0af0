#pragma once
#include <cstdint>
#include <vector>

#include <remote/data/dataset.h>
#include <remote/data/options.h>

namespace remote::data {

/// Which examples each step of a run sees. A pure function of the options and the number of the step: resuming a run in
/// the middle of an epoch needs no more than that number. See Note [Order of the data] in the .cpp. One thread at a
/// time.
class BatchSampler {
 public:
  enum class Order {
    kSequential,       // 0, stride, 2 * stride, ...
    kShuffled,         // each once in an epoch, another permutation every epoch
    kWithReplacement,  // each drawn from all, independently
  };

  /// For training. Shuffled data with a stride is drawn with replacement. Throws remote::Error when there is no batch.
  static BatchSampler for_training(const Dataset& data, const BatchOptions& options, uint64_t seed);
  /// For validation: all, in order, none left out.
  static BatchSampler for_validation(const Dataset& data, const BatchOptions& options);

  int64_t batches_per_epoch() const;
  /// The examples of a batch; `number` counts from 0 over the whole run, so epoch e begins at e * batches_per_epoch().
  std::vector<int64_t> batch(int64_t number) const;

  Order order() const { return order_; }
  int64_t examples_per_epoch() const { return examples_per_epoch_; }
  int64_t batch_size() const { return batch_size_; }
  uint64_t seed() const { return seed_; }

 private:
  BatchSampler() = default;
  void permute_for(int64_t epoch) const;

  Order order_ = Order::kSequential;
  int64_t size_ = 0;
  int64_t stride_ = 1;
  int64_t examples_per_epoch_ = 0;
  int64_t batch_size_ = 0;
  bool drop_last_ = false;
  uint64_t seed_ = 0;
  mutable int64_t permuted_epoch_ = -1;
  mutable std::vector<int64_t> permutation_;
};

}  // namespace remote::data
