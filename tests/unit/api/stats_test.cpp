#include <remote/remote.h>

#include <gtest/gtest.h>

#include <sstream>

namespace remote {
namespace {

TEST(StatsTest, DifferenceCountsWhatHappenedInBetween) {
  const RemoteTensor x = RemoteTensor::from_local(at::ones({4, 4}));
  synchronize();
  const Stats before = stats();
  const at::Tensor y = at::mm(x, x);
  EXPECT_EQ(y.sum().item<float>(), 64);
  const Stats spent = stats() - before;
  EXPECT_EQ(spent.client.ops, 2u);
  EXPECT_EQ(spent.client.fetches, 1u);
  EXPECT_EQ(spent.client.uploads, 0u);
  EXPECT_EQ(spent.client.synchronisations, 1u);
  EXPECT_EQ(spent.tiers.asked, 0u);
  ASSERT_EQ(spent.synchronisation_places.size(), 1u);
  EXPECT_EQ(spent.synchronisation_places.begin()->second, 1u);
}

TEST(StatsTest, TrainingStepWaitsForNothing) {
  nn::Sequential net(nn::Linear(8, 16), nn::ReLU(), nn::Linear(16, 2));
  optim::AdamW optimizer(net->parameters(), optim::AdamWOptions(1e-2));
  const RemoteTensor x = RemoteTensor::from_local(at::randn({32, 8}));
  const RemoteTensor y = RemoteTensor::from_local(at::randint(2, {32}, at::kLong));
  Stats before;
  for (int step = 0; step < 5; ++step) {
    if (step == 1) before = stats();
    optimizer.zero_grad();
    const at::Tensor loss = torch::nn::functional::cross_entropy(net->forward(x.tensor()), y.tensor());
    loss.backward();
    nn::utils::clip_grad_norm_(net->parameters(), 1.0);
    optimizer.step();
    fetch_scalar<float>(loss);
  }
  const Stats spent = stats() - before;
  std::ostringstream report;
  report << spent;
  EXPECT_EQ(spent.client.synchronisations, 0u) << report.str();
  EXPECT_EQ(spent.client.uploads, 0u) << report.str();
  EXPECT_EQ(spent.client.fetches, 4u) << report.str();
}

TEST(StatsTest, UnconnectedDeviceHasZerosAndOthersAreRefused) {
  EXPECT_EQ(stats(c10::Device("remote:9")).client.records, 0u);
  EXPECT_THROW(stats(c10::Device("cpu")), Error);
  EXPECT_THROW(stats(c10::Device("remote:99")), c10::Error);
}

TEST(StatsTest, PrintsEachPlaceThatWaited) {
  at::ones({1}, at::TensorOptions().device("remote:0")).item<float>();
  std::ostringstream out;
  out << stats();
  EXPECT_NE(out.str().find("synchronisations"), std::string::npos);
  for (const auto& [place, count] : stats().synchronisation_places) {
    EXPECT_NE(out.str().find(place), std::string::npos) << out.str();
  }
}

TEST(WorkerStatsTest, CountsStoragesAndGoesBackWhenTheyAreDropped) {
  synchronize();
  const auto before = worker_stats();
  {
    const at::Tensor tensor = at::ones({1000}, at::TensorOptions().device("remote:0"));
    const auto with = worker_stats();
    EXPECT_EQ(with.storages, before.storages + 1);
    EXPECT_EQ(with.storage_bytes, before.storage_bytes + 4000);
    EXPECT_GT(with.ops, before.ops);
  }
  const auto after = worker_stats();
  EXPECT_EQ(after.storages, before.storages);
  EXPECT_EQ(after.storage_bytes, before.storage_bytes);
}

}  // namespace
}  // namespace remote
