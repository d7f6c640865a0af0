// What one client leaves for another, and what a program leaves when it ends: nothing.
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "fault.h"

namespace remote::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class Sessions : public Fault {};

TEST_F(Sessions, ShowAFreshTensorNothingOfWhatAnotherSessionHeld) {
  WorkerProcess worker;
  connect({worker.address(), worker.address()});
  const std::vector<int64_t> sizes = {1, 100, 5000, 300000, int64_t{4} << 20};
  for (int round = 0; round < 3; ++round) {
    for (const int64_t size : sizes) torch::full({size}, 0x5ec3e7, on(0).dtype(torch::kInt)).add_(1);
    synchronize();
    for (const int64_t size : sizes) {
      const auto fresh = torch::empty({size}, on(1).dtype(torch::kInt));
      EXPECT_FALSE(fresh.cpu().ne(0).any().item<bool>()) << size << " elements, round " << round;
      const auto partly = torch::empty({size}, on(1).dtype(torch::kInt));
      partly.slice(0, 0, 1).fill_(1);
      EXPECT_EQ(partly.cpu().ne(0).sum().item<int64_t>(), 1) << size << " elements, partly written";
    }
    EXPECT_EQ(torch::empty({64}, on(1)).sum().item<float>(), 0) << "an op that reads it sees zeros too";
  }
}

TEST_F(Sessions, ReadTheSourceOfAnUploadAsItWasWhenTheyWereAskedTo) {
  const auto worker = WorkerProcess::on_unix_socket();
  connect({worker->address()});
  for (const int64_t elements : {int64_t{10}, int64_t{5000}, int64_t{1} << 18, int64_t{12} << 20}) {
    auto source = torch::full({elements}, 7.f);
    const auto uploaded = source.to(there());
    source.fill_(-1.f);
    EXPECT_TRUE(torch::equal(uploaded.cpu(), torch::full({elements}, 7.f))) << elements << " elements";
  }
}

TEST_F(Sessions, OfAKilledClientOutliveItForTheLeaseAndThenLeaveNothing) {
  constexpr auto kLease = 3s;
  WorkerProcess worker({"--lease", "3"});
  Process client({program("fault_client"), "hold", worker.address()});
  ASSERT_TRUE(client.wait_for_line("holding")) << client.errors();
  EXPECT_EQ(worker.counters().sessions, 1u);
  const uint64_t held = worker.counters().storages;
  EXPECT_GE(held, 8u);
  const auto killed = std::chrono::steady_clock::now();
  client.signal(SIGKILL);
  client.wait(10s);
  std::this_thread::sleep_for(500ms);
  const WorkerCounters soon = worker.counters();
  // On a machine that is too busy to ask in time, there is nothing to see.
  if (std::chrono::steady_clock::now() - killed < kLease) {
    EXPECT_EQ(soon.storages, held) << "the session ended before its lease";
  }
  EXPECT_TRUE(worker.reaches(
      [](const auto& now) { return now.sessions == 0 && now.storages == 0 && now.storage_bytes == 0; }, kLease + 10s));
}

TEST_F(Sessions, EndWithTheirProgramAndLeaveNothing) {
  WorkerProcess worker;
  Process client({program("fault_client"), "train-a-little", worker.address()});
  EXPECT_EQ(client.wait(60s), 0) << client.errors();
  EXPECT_TRUE(worker.reaches([](const auto& now) { return now.sessions == 0 && now.storages == 0; }, 5s))
      << "a program that ends normally says farewell";
}

TEST_F(Sessions, PrintAnErrorThatNobodyHasSeenWhenTheirProgramEnds) {
  WorkerProcess worker;
  for (const auto& address : std::vector<std::string>{worker.address(), "embedded"}) {
    Process client({program("fault_client"), "unseen-error", address});
    EXPECT_EQ(client.wait(60s), 0);
    EXPECT_THAT(client.errors(), AllOf(HasSubstr("remote: "), HasSubstr("aten::embedding"), HasSubstr("out of range")));
  }
}

TEST_F(Sessions, SendWhatWasRecordedBeforeTheirProgramEnds) {
  WorkerProcess worker;
  Process client({program("fault_client"), "exit-at-once", worker.address()});
  EXPECT_EQ(client.wait(60s), 0) << client.errors();
  EXPECT_EQ(client.errors(), "");
}

TEST_F(Sessions, RunWhatWasRecordedBeforeTheirProgramsStaticVariablesGo) {
  for (int round = 0; round < 3; ++round) {
    Process client({program("fault_client"), "leave-work-behind", "embedded:cpu"});
    EXPECT_EQ(client.wait(60s), 0) << "128 and a signal, or nothing where it hung; " << client.errors();
    EXPECT_EQ(client.errors(), "");
  }
}

TEST_F(Sessions, BelongToTheProcessThatOpenedThemAndNotToItsChildren) {
  WorkerProcess worker;
  for (const auto& address : std::vector<std::string>{worker.address(), "embedded:cpu"}) {
    connect({address});
    auto x = std::make_unique<torch::Tensor>(torch::ones({4}, on()));
    x->add_(1);
    // Autograd has started threads after this, which a child doesn't have.
    x->detach().requires_grad_().sum().backward();
    synchronize();
    const auto forked = std::chrono::steady_clock::now();
    const pid_t child = ::fork();
    if (child == 0) {
      ::alarm(20);
      // A child that is stuck or crashes ends by a signal. What it checks, it says in its exit code.
      const auto throws = [](const auto& action) {
        try {
          action();
        } catch (const Error& error) {
          return error.code() == StatusCode::kFailedPrecondition;
        }
        return false;
      };
      bool good = throws([&] { x->add_(1); }) && throws([&] { x->cpu(); }) && throws([] { synchronize(); });
      x.reset();
      std::exit(good ? 0 : 3);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status)) << "the child was ended by signal " << WTERMSIG(status);
    EXPECT_EQ(WEXITSTATUS(status), 0);
    EXPECT_LT(std::chrono::steady_clock::now() - forked, 8s) << "the child waited for something when it ended";
    EXPECT_EQ(x->sum().item<float>(), 8) << "the parent goes on";
    disconnect();
  }
}

}  // namespace
}  // namespace remote::test
