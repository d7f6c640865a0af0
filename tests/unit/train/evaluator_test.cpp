#include <gtest/gtest.h>

#include <remote/train/evaluator.h>

#include "tests/unit/train/small_run.h"

namespace remote::train {
namespace {

class EvaluatorTest : public ::testing::Test {
 protected:
  EvaluatorTest() {
    torch::manual_seed(3);
    batches_.batch_size = 16;
  }
  MetricValues figures(std::optional<int64_t> limit = std::nullopt, const std::function<bool()>& stop = {}) {
    return evaluate(model_, *task_, data_, batches_, "val", limit, stop);
  }

  SmallModel model_;
  Points data_{60};
  data::BatchOptions batches_;
  std::shared_ptr<const Task> task_ = make_task(CrossEntropyLossOptions(), data::Purpose::kClassification);
};

TEST_F(EvaluatorTest, FiguresAreThoseOfTheWholeSetAtOnce) {
  const MetricValues values = figures();
  model_.eval();
  std::vector<int64_t> all(60);
  for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<int64_t>(i);
  const data::Batch batch = data_.gather(all);
  const at::Tensor output = model_.forward(batch.input);
  EXPECT_NEAR(*find_metric(values, "val/loss"), at::cross_entropy_loss(output, batch.target).item<double>(), 1e-6);
  EXPECT_DOUBLE_EQ(*find_metric(values, "val/accuracy"),
                   output.argmax(1).eq(batch.target).sum().item<double>() / 60);
}

TEST_F(EvaluatorTest, LeavesTheModelInItsMode) {
  model_.train();
  figures();
  EXPECT_TRUE(model_.is_training());
  model_.eval();
  figures();
  EXPECT_FALSE(model_.is_training());
}

TEST_F(EvaluatorTest, ALimitCountsBatches) {
  data_.spoil(20);
  EXPECT_TRUE(std::isfinite(*find_metric(figures(1), "val/loss")));
  EXPECT_FALSE(std::isfinite(*find_metric(figures(2), "val/loss")));
}

TEST_F(EvaluatorTest, AStopLeavesNoFigures) {
  int asked = 0;
  EXPECT_TRUE(figures(std::nullopt, [&] { return ++asked == 2; }).empty());
}

}  // namespace
}  // namespace remote::train
