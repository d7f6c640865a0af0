// Copies between two workers, which go straight from one to the other where they can.
#include <gmock/gmock.h>
#include <remote/remote.h>

#include <atomic>
#include <thread>

#include "support/worker_process.h"

namespace remote::test {
namespace {

using testing::HasSubstr;

const torch::Device kHere("remote:0"), kThere("remote:1");

class PeerCopy : public testing::Test {
 protected:
  void start(std::vector<std::string> arguments = {}) {
    first_.emplace(std::move(arguments));
    second_ = WorkerProcess::on_unix_socket();
    connect({first_->address(), second_->address()});
  }
  void TearDown() override {
    try {
      disconnect();
    } catch (const Error&) {
      // A test that kills a worker leaves errors that nobody asks for.
    }
  }

  /// Bytes of tensors that have passed through this process.
  static uint64_t client_bytes() {
    uint64_t bytes = 0;
    for (const auto& device : {kHere, kThere})
      bytes += stats(device).client.fetch_bytes + stats(device).client.upload_bytes;
    return bytes;
  }
  static uint64_t peer_bytes() { return stats(kHere).client.peer_bytes + stats(kThere).client.peer_bytes; }

  std::optional<WorkerProcess> first_;
  std::unique_ptr<WorkerProcess> second_;
};

TEST_F(PeerCopy, DoesNotPassThroughTheClient) {
  start();
  const auto x = torch::randn({3000, 3000}, kHere);
  const uint64_t before = client_bytes();
  const auto y = x.to(kThere);
  const auto back = y.to(kHere);
  synchronize();
  EXPECT_EQ(client_bytes(), before);
  EXPECT_EQ(peer_bytes(), 2 * x.nbytes());
  EXPECT_EQ(y.device(), kThere);
  EXPECT_TRUE(torch::equal(x.cpu(), y.cpu()));
  EXPECT_TRUE(torch::equal(x.cpu(), back.cpu()));
}

TEST_F(PeerCopy, InBothDirectionsAtOnceAllArrive) {
  const WorkerProcess here, there;
  connect({here.address(), there.address()});
  std::vector<std::thread> threads;
  std::atomic<int> arrived{0};
  for (int k = 0; k < 4; ++k) {
    threads.emplace_back([k, &arrived] {
      const auto x = torch::full({4, 4}, k, k % 2 == 0 ? kHere : kThere);
      const auto to = k % 2 == 0 ? kThere : kHere;
      torch::Tensor last;
      for (int i = 0; i < 2000; ++i) last = x.to(to);
      arrived += last.sum().item<float>() == 16.f * k;
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(arrived, 4);
}

TEST_F(PeerCopy, WaitsForNobodyAfterTheFirst) {
  start();
  torch::ones({2}, kHere).to(kThere);
  const Stats before = stats(kHere);
  auto x = torch::zeros({64, 64}, kHere);
  for (int i = 0; i < 100; ++i) x = (x.to(kThere) + 1).to(kHere);
  EXPECT_EQ((stats(kHere) - before).client.synchronisations, 0u);
  EXPECT_EQ(x.sum().item<float>(), 100 * 64 * 64);
}

TEST_F(PeerCopy, KeepsValuesWhateverTheLayoutsAndDtypes) {
  start();
  const auto x = torch::randn({6, 8}, torch::kComplexFloat);
  const auto here = x.to(kHere);
  auto rows = torch::zeros({12, 8}, torch::TensorOptions(kThere).dtype(torch::kComplexFloat));
  rows.slice(0, 0, 12, 2).copy_(here.conj());
  EXPECT_TRUE(torch::equal(rows.slice(0, 0, 12, 2).cpu(), x.conj().resolve_conj()));
  EXPECT_EQ(rows.slice(0, 1, 12, 2).abs().sum().item<float>(), 0);
  EXPECT_TRUE(torch::equal(here.t().to(kThere).cpu(), x.t()));
  auto whole = torch::empty({8, 6}, torch::TensorOptions(kThere).dtype(torch::kHalf));
  whole.copy_(torch::real(here).t());
  EXPECT_TRUE(torch::equal(whole.cpu(), torch::real(x).t().to(torch::kHalf)));
  auto table = torch::zeros({5, 3}, kThere);
  table[2].copy_(torch::ones({3}, kHere));
  EXPECT_EQ(table.sum().item<float>(), 3);
}

TEST_F(PeerCopy, OfAFailedResultFailsThereWithTheRootError) {
  start();
  torch::ones({2}, kHere).to(kThere);
  const auto bad = torch::embedding(torch::ones({3, 2}, kHere), torch::tensor({7}).to(kHere));
  try {
    (bad.to(kThere) * 2).cpu();
    FAIL() << "a value came of nothing";
  } catch (const c10::Error& error) {
    EXPECT_THAT(error.what_without_backtrace(), HasSubstr("aten::embedding"));
  }
  EXPECT_EQ(torch::ones({3}, kThere).sum().item<float>(), 3);
}

TEST_F(PeerCopy, OfAWorkerThatIsKilledFailsThereAndTheOtherGoesOn) {
  start();
  const auto x = torch::ones({100, 100}, kHere);
  x.to(kThere);
  synchronize();
  first_->stop();
  const auto copy = x.to(kThere);
  first_->kill();
  EXPECT_THROW(copy.cpu(), c10::Error);
  EXPECT_EQ(torch::ones({3}, kThere).sum().item<float>(), 3);
}

TEST_F(PeerCopy, PassesThroughTheClientWhereTheWorkerMayNotSend) {
  start({"--no-peers"});
  const auto x = torch::randn({100, 100}, kHere);
  const uint64_t before = client_bytes();
  EXPECT_TRUE(torch::equal(x.to(kThere).cpu(), x.cpu()));
  EXPECT_EQ(stats(kHere).client.peer_bytes, 0u);
  EXPECT_GT(client_bytes(), before);
}

}  // namespace
}  // namespace remote::test
