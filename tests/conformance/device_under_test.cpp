#include "device_under_test.h"

#include <array>
#include <cstdlib>

#ifdef REMOTE_GRPC
#include "support/worker_process.h"
#endif

namespace remote::test {
namespace {

const std::string& wanted() {
  static const std::string name = [] {
    const char* value = std::getenv("REMOTE_TEST_DEVICE");
    return std::string(value != nullptr && *value != '\0' ? value : "embedded");
  }();
  return name;
}

/// Connects remote:0 and remote:1 before the first test, and starts workers for them where some are needed.
class Connection final : public testing::Environment {
 public:
  void SetUp() override {
    at::set_num_threads(1);
    if (wanted() == "embedded") {
      connect({"embedded:cpu", "embedded:cpu"});
    } else if (wanted() == "cuda") {
      if (!at::hasCUDA()) GTEST_SKIP() << "this machine has no CUDA device";
      connect({"embedded:cuda:0", "embedded:cuda:0"});
#ifdef REMOTE_GRPC
    } else if (wanted() == "grpc") {
      for (auto& worker : workers_) worker = std::make_unique<WorkerProcess>();
      connect({workers_[0]->address(), workers_[1]->address()});
#endif
    } else if (wanted() != "cpu") {
      FAIL() << "REMOTE_TEST_DEVICE=" << wanted() << " is none that this build knows";
    }
  }
  void TearDown() override { disconnect(); }

#ifdef REMOTE_GRPC
 private:
  std::array<std::unique_ptr<WorkerProcess>, 2> workers_;
#endif
};

const auto* const connection = testing::AddGlobalTestEnvironment(new Connection);

}  // namespace

torch::Device device() { return on_worker() ? torch::Device("remote:0") : torch::Device(torch::kCPU); }
torch::Device other_device() {
  return on_worker() ? torch::Device("remote:1") : torch::Device(torch::kCPU);
}
bool on_worker() { return wanted() != "cpu"; }
bool is_bit_equal() { return wanted() != "cuda"; }

std::string message_of(const std::function<void()>& cause) {
  try {
    cause();
    if (on_worker()) synchronize();
  } catch (const c10::Error& error) {
    return error.what_without_backtrace();
  }
  return "no error";
}

uint64_t waits_in(const std::function<void()>& work) {
  if (!on_worker()) return work(), 0;
  const Stats before = stats(device());
  work();
  return (stats(device()) - before).client.synchronisations;
}

void Conformance::SetUp() { torch::manual_seed(1234); }

void Conformance::TearDown() {
  if (!on_worker()) return;
  EXPECT_NO_THROW(synchronize()) << "the test has left an error that it did not look at";
  clear_errors();
}

}  // namespace remote::test
