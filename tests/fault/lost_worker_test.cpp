// A worker, or the way to it, that goes away in the middle of things.
#include <atomic>
#include <csignal>
#include <thread>

#include "fault.h"
#include "support/tcp_proxy.h"

namespace remote::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class LostWorker : public Fault {};

TEST_F(LostWorker, KilledInTrainingIsNamedAndNothingHangs) {
  WorkerProcess worker;
  connect({worker.address()});
  Trainee trainee;
  trainee.step(0).get();
  std::atomic<int> recorded = 0;
  std::thread killer([&] {
    std::this_thread::sleep_for(200ms);
    worker.process().stop();
    // So that the last step that was recorded is one that the worker has not run. Where none comes, the client waits
    // for credit, with steps outstanding.
    const auto deadline = std::chrono::steady_clock::now() + 1s;
    for (const int before = recorded; recorded < before + 2 && std::chrono::steady_clock::now() < deadline;) {
      std::this_thread::sleep_for(1ms);
    }
    worker.process().signal(SIGKILL);
  });
  FetchFuture<float> last;
  const Status status = status_of([&] {
    for (int batch = 1;; ++batch) {
      last = trainee.step(batch);
      recorded = batch;
    }
  });
  killer.join();
  EXPECT_EQ(status.code(), StatusCode::kUnavailable);
  EXPECT_THAT(status.message(), AllOf(HasSubstr(worker.address()), HasSubstr("records")));
  EXPECT_EQ(status_of([&] { trainee.weights(); }).code(), StatusCode::kUnavailable);
  EXPECT_EQ(status_of([&] { last.get(); }).code(), StatusCode::kUnavailable);
  EXPECT_EQ(status_of([] { synchronize(); }).code(), StatusCode::kUnavailable);
}

TEST_F(LostWorker, KilledWhileAValueIsWaitedForEndsTheWait) {
  WorkerProcess worker;
  connect({worker.address()});
  const auto x = torch::randn({700, 700}, on());
  std::thread killer([&] {
    std::this_thread::sleep_for(300ms);
    worker.process().signal(SIGKILL);
  });
  const Status status = status_of([&] {
    auto product = x;
    for (int i = 0; i < 2000; ++i) product = product.mm(x);
    product.sum().item<float>();
  });
  EXPECT_EQ(status.code(), StatusCode::kUnavailable);
  killer.join();
}

TEST_F(LostWorker, CanBeReplacedByAnother) {
  auto worker = std::make_unique<WorkerProcess>();
  connect({worker->address()});
  auto old = torch::ones({4}, on());
  old.sum().item<float>();
  worker->kill();
  EXPECT_EQ(status_of([&] { old.sum().item<float>(); }).code(), StatusCode::kUnavailable);
  worker = std::make_unique<WorkerProcess>();
  connect({worker->address()});
  Trainee trainee;
  EXPECT_GT(trainee.step(0).get(), 0);
  EXPECT_FALSE(status_of([&] { old.sum().item<float>(); }).ok())
      << "a tensor of the lost worker must not be found on another";
}

TEST_F(LostWorker, MakesAProgramEndNormallyWithItsError) {
  WorkerProcess worker;
  Process client({program("fault_client"), "train", worker.address()});
  ASSERT_TRUE(client.wait_for_line("step 20")) << client.errors();
  worker.kill();
  EXPECT_EQ(client.wait(20s), 1) << "expected the exit code that the program gives itself for an error";
  EXPECT_THAT(client.errors(), AllOf(HasSubstr(worker.address()), HasSubstr("is gone")));
}

struct Cut {
  TcpProxy::Direction direction;
  const char* name;
};

class BulkCut : public Fault, public testing::WithParamInterface<Cut> {};

TEST_P(BulkCut, InTheMiddleOfATransferIsReportedAndLeavesNothingBehind) {
  constexpr int64_t kElements = int64_t{8} << 20;  // 32 MiB
  WorkerProcess worker({"--lease", "1"});
  const TcpProxy proxy(worker.port(), GetParam().direction, 11'000'000);
  connect({proxy.address()});
  const auto source = torch::arange(kElements).to(torch::kFloat);
  const Status status = status_of([&] {
    const auto x = source.to(there());
    x.cpu();
  });
  EXPECT_TRUE(proxy.has_cut());
  EXPECT_EQ(status.code(), StatusCode::kUnavailable) << status;
  EXPECT_THAT(status.message(), HasSubstr(proxy.address()));
  EXPECT_EQ(status_of([] { torch::ones({2}, on()); synchronize(); }).code(), StatusCode::kUnavailable);
  EXPECT_TRUE(worker.reaches([](const auto& now) { return now.sessions == 0 && now.storages == 0; }));

  disconnect();
  connect({worker.address()});
  EXPECT_TRUE(torch::equal(source.to(there()).cpu(), source)) << "the worker serves others as before";
}

INSTANTIATE_TEST_SUITE_P(Both, BulkCut,
                         testing::Values(Cut{TcpProxy::Direction::kToServer, "Upload"},
                                         Cut{TcpProxy::Direction::kToClient, "Fetch"}),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace remote::test
