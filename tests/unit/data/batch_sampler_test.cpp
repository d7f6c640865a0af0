#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include <remote/data/batch_sampler.h>
#include <remote/device/error.h>

namespace remote::data {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::Lt;

/// So many examples, of which nothing is asked.
class Examples final : public Dataset {
 public:
  explicit Examples(int64_t size, int64_t stride = 1) : size_(size), stride_(stride) {}
  int64_t size() const override { return size_; }
  int64_t stride() const override { return stride_; }
  Batch gather(const std::vector<int64_t>&) const override { return {}; }

 private:
  int64_t size_;
  int64_t stride_;
};

BatchOptions batches_of(int64_t batch_size) {
  BatchOptions options;
  options.batch_size = batch_size;
  return options;
}

std::vector<int64_t> epoch_of(const BatchSampler& sampler, int64_t epoch) {
  std::vector<int64_t> all;
  for (int64_t i = 0; i < sampler.batches_per_epoch(); ++i) {
    const auto batch = sampler.batch(epoch * sampler.batches_per_epoch() + i);
    all.insert(all.end(), batch.begin(), batch.end());
  }
  return all;
}

std::vector<int64_t> up_to(int64_t count) {
  std::vector<int64_t> numbers(static_cast<size_t>(count));
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

TEST(BatchSamplerTest, AnEpochHasEachExampleOnceAndTheLastBatchIsIncomplete) {
  const auto sampler = BatchSampler::for_training(Examples(10), batches_of(4), 1);
  EXPECT_EQ(sampler.batches_per_epoch(), 3);
  EXPECT_EQ(sampler.batch(2).size(), 2u);
  EXPECT_THAT(epoch_of(sampler, 0), ::testing::UnorderedElementsAreArray(up_to(10)));
}

TEST(BatchSamplerTest, EachEpochHasAnotherOrderAndEachSeedToo) {
  const auto one = BatchSampler::for_training(Examples(100), batches_of(10), 1);
  const auto two = BatchSampler::for_training(Examples(100), batches_of(10), 2);
  EXPECT_NE(epoch_of(one, 0), epoch_of(one, 1));
  EXPECT_NE(epoch_of(one, 0), epoch_of(two, 0));
}

TEST(BatchSamplerTest, ABatchDependsOnItsNumberAlone) {
  const auto straight = BatchSampler::for_training(Examples(100), batches_of(7), 3);
  const auto jumping = BatchSampler::for_training(Examples(100), batches_of(7), 3);
  std::vector<std::vector<int64_t>> all;
  for (int64_t i = 0; i < 40; ++i) all.push_back(straight.batch(i));
  for (int64_t i : {39, 0, 17, 16, 31}) EXPECT_EQ(jumping.batch(i), all[static_cast<size_t>(i)]);
}

// The order is a promise: runs of other releases resume with it. See Note [Order of the data].
TEST(BatchSamplerTest, TheOrderOfASeedIsFixedForever) {
  EXPECT_THAT(BatchSampler::for_training(Examples(8), batches_of(8), 42).batch(0), ElementsAre(4, 6, 0, 1, 7, 5, 2, 3));
  EXPECT_THAT(BatchSampler::for_training(Examples(1000, 10), batches_of(4), 42).batch(3),
              ElementsAre(678, 617, 3, 742));
}

TEST(BatchSamplerTest, DropLastLeavesOutTheIncompleteBatch) {
  BatchOptions options = batches_of(4);
  options.drop_last = true;
  const auto sampler = BatchSampler::for_training(Examples(10), options, 1);
  EXPECT_EQ(sampler.batches_per_epoch(), 2);
  EXPECT_EQ(epoch_of(sampler, 1).size(), 8u);
}

TEST(BatchSamplerTest, NoBatchAtAllIsAnError) {
  BatchOptions options = batches_of(128);
  options.drop_last = true;
  EXPECT_THROW(BatchSampler::for_training(Examples(100), options, 1), Error);
}

TEST(BatchSamplerTest, ValidationIsInOrderAndWhole) {
  BatchOptions options = batches_of(4);
  options.drop_last = true;
  options.val_batch_size = 6;
  const auto sampler = BatchSampler::for_validation(Examples(10), options);
  EXPECT_EQ(epoch_of(sampler, 0), up_to(10));
  EXPECT_EQ(sampler.batch(0).size(), 6u);
}

TEST(BatchSamplerTest, OverlappingExamplesAreDrawnWithReplacementFromAll) {
  const auto sampler = BatchSampler::for_training(Examples(1000, 10), batches_of(64), 5);
  EXPECT_EQ(sampler.order(), BatchSampler::Order::kWithReplacement);
  EXPECT_EQ(sampler.examples_per_epoch(), 100);
  const auto batch = sampler.batch(1);
  EXPECT_EQ(batch.size(), 36u);
  EXPECT_THAT(batch, Each(AllOf(Ge(0), Lt(1000))));
  EXPECT_NE(batch, sampler.batch(3));
}

TEST(BatchSamplerTest, InOrderOverlappingExamplesAreStridesApart) {
  EXPECT_THAT(BatchSampler::for_validation(Examples(25, 10), batches_of(64)).batch(0), ElementsAre(0, 10, 20));
}

TEST(BatchSamplerTest, ShufflingIsUniform) {
  // How often example 0 lands on each of 5 places in 5000 epochs: 1000 each, standard deviation 28.
  const auto sampler = BatchSampler::for_training(Examples(5), batches_of(5), 9);
  std::vector<int> counts(5);
  for (int64_t epoch = 0; epoch < 5000; ++epoch) {
    const auto order = sampler.batch(epoch);
    ++counts[static_cast<size_t>(std::find(order.begin(), order.end(), 0) - order.begin())];
  }
  EXPECT_THAT(counts, Each(AllOf(Ge(860), Lt(1140))));
}

}  // namespace
}  // namespace remote::data
