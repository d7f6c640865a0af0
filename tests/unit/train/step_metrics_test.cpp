#include <gtest/gtest.h>

#include <remote/train/lead.h>
#include <remote/train/step_metrics.h>

namespace remote::train {
namespace {

TEST(StepMetricsTest, FiguresComeInTheOrderOfStepsWithTheDevicesInFront) {
  std::vector<MetricRecord> records;
  std::vector<int64_t> bad;
  StepMetrics metrics([&](const MetricRecord& record, int64_t bad_steps) {
    records.push_back(record);
    bad.push_back(bad_steps);
  });
  metrics.ask({10, 1, {{"lr", 0.5}}}, true, at::scalar_tensor(0.25), at::scalar_tensor(2), at::zeros({1}));
  metrics.ask({20, 2, {{"lr", 0.1}}}, true, at::scalar_tensor(0.125), {}, at::full({1}, 3));
  metrics.drain();
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[0].step, 10);
  EXPECT_EQ(records[0].values, (MetricValues{{"train/loss", 0.25}, {"train/grad_norm", 2}, {"lr", 0.5}}));
  EXPECT_EQ(records[1].epoch, 2);
  EXPECT_EQ(records[1].values, (MetricValues{{"train/loss", 0.125}, {"lr", 0.1}}));
  EXPECT_EQ(bad, (std::vector<int64_t>{0, 3}));
}

TEST(StepMetricsTest, AskingTakesTheValueOfThatMoment) {
  double loss = 0;
  StepMetrics metrics([&](const MetricRecord& record, int64_t) { loss = *find_metric(record.values, "train/loss"); });
  const at::Tensor value = at::scalar_tensor(1);
  metrics.ask({1, 1, {}}, true, value, {}, {});
  value.fill_(2);
  metrics.drain();
  EXPECT_EQ(loss, 1);
}

TEST(StepMetricsTest, PollHandsOverWhatIsThere) {
  int records = 0;
  StepMetrics metrics([&](const MetricRecord&, int64_t) { ++records; });
  metrics.poll();
  metrics.ask({1, 1, {}}, true, at::scalar_tensor(1), {}, {});
  metrics.poll();  // on the CPU a value is there at once
  EXPECT_EQ(records, 1);
}

TEST(StepMetricsTest, AStepThatIsNotLoggedBringsTheGuardAlone) {
  std::vector<std::pair<MetricRecord, int64_t>> taken;
  StepMetrics metrics([&](const MetricRecord& record, int64_t bad) { taken.emplace_back(record, bad); });
  metrics.ask({16, 1, {{"lr", 0.5}}}, false, at::scalar_tensor(1), {}, at::full({1}, 2));
  metrics.keep_pace(16);
  ASSERT_EQ(taken.size(), 1u);
  EXPECT_TRUE(taken[0].first.values.empty());
  EXPECT_EQ(taken[0].second, 2);
}

TEST(StepMetricsTest, AskingIsDueBeforeTheLeadRunsOut) {
  StepMetrics metrics([](const MetricRecord&, int64_t) {});
  EXPECT_FALSE(metrics.is_due(Lead::kLeastSteps - 1));
  EXPECT_TRUE(metrics.is_due(Lead::kLeastSteps));
  metrics.ask({10, 1, {}}, true, at::scalar_tensor(1), {}, {});
  EXPECT_FALSE(metrics.is_due(Lead::kLeastSteps + 9));
}

using Milliseconds = std::chrono::milliseconds;

TEST(LeadTest, IsHalfASecondsWorthOfSteps) {
  Lead lead;
  const Lead::Clock::time_point start;
  for (int i = 0; i <= 100; ++i) lead.on_arrival(10 * i, start + Milliseconds(10 * i));  // 1000 steps a second
  EXPECT_FALSE(lead.is_too_long(1000 + 400));
  EXPECT_TRUE(lead.is_too_long(1000 + 600));
}

TEST(LeadTest, IsShortForASlowDeviceButNeverTooShort) {
  Lead lead;
  const Lead::Clock::time_point start;
  for (int i = 0; i <= 5; ++i) lead.on_arrival(10 * i, start + Milliseconds(5000 * i));  // 2 steps a second
  EXPECT_FALSE(lead.is_too_long(50 + Lead::kLeastSteps));
  EXPECT_TRUE(lead.is_too_long(50 + Lead::kLeastSteps + 1));
}

// Held back to 16 steps by a network of 100 ms there and back, the device seems slow, yet the lead finds its speed.
TEST(LeadTest, GrowsUntilTheNetworkIsHidden) {
  Lead lead;
  Lead::Clock::time_point now;
  int64_t arrived = 0, sent = 0;
  lead.on_arrival(0, now);
  for (int round_trip = 0; round_trip < 12; ++round_trip) {
    while (!lead.is_too_long(sent + 1)) ++sent;
    now += Milliseconds(100);
    arrived = std::min(sent, arrived + 200);  // the device does 2000 steps a second
    lead.on_arrival(arrived, now);
  }
  EXPECT_GT(sent - arrived, 400);
}

}  // namespace
}  // namespace remote::train
