// What the client and the worker hold: nothing but what is referred to, and on the client no data.
#include <gtest/gtest.h>

#include "carriers.h"
#include "support/process.h"
#include "training.h"

namespace remote::test {
namespace {

class Storages : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { at::set_num_threads(1); }

  const Connected connected_{GetParam()};
  const torch::TensorOptions there_ = torch::TensorOptions(remote_device());
};

TEST_P(Storages, AreFreedWhenTheLastReferenceGoes) {
  {
    const auto a = torch::ones({1000}, there_), view = a.slice(0, 10, 20);
    const auto b = a * 2;
    EXPECT_EQ(live_storages(), 2u);
    EXPECT_EQ(worker_stats().storages, 2u);
    EXPECT_EQ(worker_stats().storage_bytes, 8000u);
  }
  EXPECT_EQ(live_storages(), 0u);
  EXPECT_EQ(worker_stats().storages, 0u);
  EXPECT_EQ(worker_stats().storage_bytes, 0u);
}

TEST_P(Storages, OfAHundredThousandDroppedTensorsAreGoneAndTheClientHasNotGrown) {
  const auto make = [&](int count) {
    for (int i = 0; i < count; ++i) torch::full({256}, i, there_).add_(1);
    synchronize();
  };
  make(10000);
  const uint64_t before = resident_bytes();
  make(100000);
  const auto grown = static_cast<int64_t>(resident_bytes() - before);
  EXPECT_EQ(live_storages(), 0u);
  EXPECT_EQ(worker_stats().storages, 0u);
  // An embedded worker's queues lie in the same process.
  EXPECT_LT(grown, int64_t{24} << 20) << "bytes";
}

TEST_P(Storages, CostTheClientLessThanAKibibyteEach) {
  constexpr int kCount = 2000;
  std::vector<torch::Tensor> tensors;
  tensors.reserve(2 * kCount);
  const auto make = [&] {
    for (int i = 0; i < kCount; ++i) tensors.push_back(torch::empty({1000, 1000}, there_));
  };
  make();
  const uint64_t before = resident_bytes();
  make();
  EXPECT_LT(static_cast<int64_t>(resident_bytes() - before) / kCount, 1024);
}

TEST_P(Storages, AreListedWithWhatIsKnownOfThem) {
  torch::nn::Linear layer(3, 2);
  layer->to(remote_device());
  name_parameters(*layer, "net");
  const auto infos = storage_registry();
  ASSERT_EQ(infos.size(), 2u);
  for (const auto& info : infos) {
    EXPECT_EQ(info.device, 0);
    EXPECT_EQ(info.bytes, info.name == "net.weight" ? 24u : 8u) << info.name;
  }
}

INSTANTIATE_TEST_SUITE_P(All, Storages, testing::ValuesIn(carriers()), [](const auto& info) { return info.param; });

}  // namespace
}  // namespace remote::test
