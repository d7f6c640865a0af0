#include "same.h"

namespace remote::test {
namespace {

using DataLoaders = Conformance;

/// Numbered rows.
class Rows : public torch::data::datasets::Dataset<Rows> {
 public:
  torch::data::Example<> get(size_t index) override {
    return {torch::full({3}, static_cast<float>(index)), torch::tensor(static_cast<int64_t>(index))};
  }
  torch::optional<size_t> size() const override { return 25; }
};

TEST_F(DataLoaders, GiveBatchesThatAreMovedToTheDevice) {
  for (const size_t workers : {0, 2}) {
    auto loader = torch::data::make_data_loader<torch::data::samplers::RandomSampler>(
        Rows().map(torch::data::transforms::Stack<>()),
        torch::data::DataLoaderOptions().batch_size(4).workers(workers));
    auto seen = torch::zeros({25}, torch::TensorOptions(device()).dtype(torch::kLong));
    for (const auto& batch : *loader) {
      const auto data = batch.data.to(device()), target = batch.target.to(device());
      EXPECT_TRUE(torch::equal(data.select(1, 0).to(torch::kLong), target));
      seen.index_add_(0, target, torch::ones_like(target));
    }
    EXPECT_TRUE(same(torch::ones({25}, torch::kLong), seen));
  }
}

/// Rows that are on the device, stacked there by the loader's own threads.
class RowsOfTheDevice : public torch::data::datasets::Dataset<RowsOfTheDevice> {
 public:
  torch::data::Example<> get(size_t index) override {
    return {data_[static_cast<int64_t>(index)], torch::full({}, static_cast<int64_t>(index), device())};
  }
  torch::optional<size_t> size() const override { return 10; }

 private:
  torch::Tensor data_ = torch::arange(20.f).reshape({10, 2}).to(device());
};

TEST_F(DataLoaders, TakeADatasetThatLiesOnTheDevice) {
  for (const size_t workers : {0, 2}) {
    auto loader = torch::data::make_data_loader<torch::data::samplers::SequentialSampler>(
        RowsOfTheDevice().map(torch::data::transforms::Stack<>()),
        torch::data::DataLoaderOptions().batch_size(5).workers(workers).enforce_ordering(true));
    std::vector<torch::Tensor> batches;
    for (const auto& batch : *loader) batches.push_back(batch.data);
    EXPECT_TRUE(same(torch::arange(20.f).reshape({10, 2}), torch::cat(batches)));
    EXPECT_EQ(batches[0].device(), device());
  }
}

}  // namespace
}  // namespace remote::test
