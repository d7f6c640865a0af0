// A worker that stands still for a while: the client slows down, keeps within its memory, and goes on with it.
#include <atomic>
#include <thread>

#include "fault.h"

namespace remote::test {
namespace {

class StoppedWorker : public Fault {
 protected:
  /// Trains while the worker is stopped after `warm_up` steps for `pause`, and compares with a run on the CPU.
  static void train_through(std::chrono::milliseconds pause) {
    constexpr int kWarmUp = 20, kAfter = 10;
    WorkerProcess worker;
    connect({worker.address()});
    Trainee trainee;
    std::atomic<int> steps{0};
    std::atomic<bool> continued{false};
    std::thread training([&] {
      for (int after = 0; after < kAfter; ++steps) {
        trainee.step(steps % 50);
        // Bulk data, of which a client that ran on would soon have gigabytes on its way.
        if (steps >= kWarmUp) torch::zeros({1 << 20}).to(there());
        if (continued) ++after;
      }
    });
    while (steps < kWarmUp) std::this_thread::sleep_for(1ms);
    synchronize();
    worker.stop();
    const uint64_t before = resident_bytes();
    const auto begin = std::chrono::steady_clock::now();
    uint64_t most = 0;
    int standing = 0, last = -1;
    while (std::chrono::steady_clock::now() - begin < pause) {
      std::this_thread::sleep_for(50ms);
      most = std::max(most, resident_bytes());
      standing = steps == last ? standing + 1 : 0;
      last = steps;
    }
    EXPECT_GT(standing, 5) << "the client did not wait for its worker";
    EXPECT_LT(static_cast<int64_t>(most - before), int64_t{256} << 20) << "the client's memory has grown";
    worker.resume();
    continued = true;
    training.join();

    Trainee reference(torch::kCPU);
    for (int i = 0; i < steps; ++i) reference.step(i % 50);
    EXPECT_TRUE(torch::equal(trainee.weights(), reference.weights())) << "after " << steps << " steps";
  }
};

TEST_F(StoppedWorker, HoldsTheClientUpForAWhileAndBothGoOn) { train_through(3s); }

TEST_F(StoppedWorker, MayStandStillForHalfAMinute) { train_through(30s); }

TEST_F(StoppedWorker, IsTakenForLostWhenItStaysStoppedForLongerThanWasAllowed) {
  WorkerProcess worker;
  ConnectOptions options;
  options.keepalive_timeout = 1500ms;
  connect({worker.address()}, options);
  const auto x = torch::ones({4}, on());
  EXPECT_EQ(x.sum().item<float>(), 4);
  worker.stop();
  const Status status = status_of([&] { x.sum().item<float>(); });
  EXPECT_EQ(status.code(), StatusCode::kUnavailable);
  EXPECT_THAT(status.message(),
              testing::AllOf(testing::HasSubstr(worker.address()), testing::HasSubstr("no sign of life")));
  worker.resume();
}

}  // namespace
}  // namespace remote::test
