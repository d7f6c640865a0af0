#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <remote/train/task.h>

namespace remote::train {
namespace {

TEST(TaskTest, CrossEntropyIsLibTorchs) {
  const at::Tensor scores = at::randn({5, 3}), target = at::tensor({0, 2, 1, 1, 0}, at::kLong);
  const auto task = make_task(CrossEntropyLossOptions(), data::Purpose::kClassification);
  EXPECT_TRUE(task->loss(scores, target).equal(at::cross_entropy_loss(scores, target)));
}

TEST(TaskTest, AccuracyCountsHits) {
  const auto task = make_task(CrossEntropyLossOptions(), data::Purpose::kClassification);
  EXPECT_THAT(task->metrics(), ::testing::ElementsAre("accuracy"));
  const at::Tensor scores = at::eye(3), target = at::tensor({0, 1, 0}, at::kLong);
  EXPECT_EQ(task->metric_sums(scores, target).at(0).item<int64_t>(), 2);
}

TEST(TaskTest, ALanguageModelIsJudgedOverAllPositionsAndByItsLossAlone) {
  const auto task = make_task(CrossEntropyLossOptions(), data::Purpose::kLanguageModelling);
  const at::Tensor scores = at::randn({2, 4, 3}), target = at::randint(3, {2, 4}, at::kLong);
  EXPECT_TRUE(task->loss(scores, target).equal(at::cross_entropy_loss(scores.reshape({8, 3}), target.reshape({8}))));
  EXPECT_TRUE(task->metrics().empty());
}

TEST(TaskTest, AnOutputThatDoesNotFitSaysWhatIsExpected) {
  const auto task = make_task(CrossEntropyLossOptions(), data::Purpose::kClassification);
  try {
    task->loss(at::randn({5, 3, 2}), at::zeros({5}, at::kLong));
    FAIL() << "no error";
  } catch (const c10::Error& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("one score per class for each target: targets are [5]"));
  }
}

}  // namespace
}  // namespace remote::train
