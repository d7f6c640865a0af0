// Sessions come and go: what one of them took is given back when it ends.
#include <filesystem>

#include "carriers.h"
#include "support/process.h"

namespace remote::test {
namespace {

constexpr int kSessions = 1000, kAtOnce = 10;

/// What a process holds, as the kernel counts it.
struct Held {
  int64_t files = 0, threads = 0, resident_bytes = 0;
};

Held held_by(const std::string& process) {
  namespace fs = std::filesystem;
  const fs::path folder = fs::path("/proc") / process;
  const auto entries = [](const fs::path& path) { return std::distance(fs::directory_iterator(path), {}); };
  return {entries(folder / "fd"), entries(folder / "task"), static_cast<int64_t>(resident_bytes(process))};
}

class Sessions : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    at::set_num_threads(1);
#ifdef REMOTE_GRPC
    if (GetParam() == "grpc") worker_ = WorkerProcess::on_unix_socket();
#endif
  }

  std::string address() const {
#ifdef REMOTE_GRPC
    if (worker_) return worker_->address();
#endif
    return "embedded:cpu";
  }

  /// Each on a device of its own, all open at the same time, and each with a tensor that the others can't see.
  void open_use_and_close(int count) {
    connect(std::vector<std::string>(count, address()));
    std::vector<torch::Tensor> sums;
    for (int i = 0; i < count; ++i) {
      const torch::Device device(c10::DeviceType::PrivateUse1, static_cast<c10::DeviceIndex>(i));
      sums.push_back(torch::full({100}, i, torch::TensorOptions(device).dtype(torch::kFloat)).sum());
    }
    for (int i = 0; i < count; ++i) ASSERT_EQ(sums[i].item<float>(), 100.f * i) << "session " << i;
    disconnect();
  }

  std::vector<Held> held() const {
    std::vector<Held> processes{held_by("self")};
#ifdef REMOTE_GRPC
    if (worker_) processes.push_back(held_by(std::to_string(worker_->process().pid())));
#endif
    return processes;
  }

#ifdef REMOTE_GRPC
  std::unique_ptr<WorkerProcess> worker_;
#endif
};

TEST_P(Sessions, AThousandOpenedAndClosedLeaveNothingBehind) {
  for (int i = 0; i < 5; ++i) open_use_and_close(kAtOnce);
  const auto before = held();
  for (int i = 0; i < kSessions / kAtOnce; ++i) {
    open_use_and_close(kAtOnce);
    if (HasFatalFailure()) return;
  }
#ifdef REMOTE_GRPC
  if (worker_) {
    EXPECT_TRUE(worker_->reaches([](const auto& now) { return now.sessions == 0 && now.storages == 0; }));
  }
#endif
  const auto after = held();
  for (size_t i = 0; i < after.size(); ++i) {
    SCOPED_TRACE(i == 0 ? "the client" : "the worker");
    // gRPC's pool of threads breathes, and each thread may hold a file for its events.
    EXPECT_LT(after[i].threads - before[i].threads, kAtOnce);
    EXPECT_LT(after[i].files - before[i].files, kAtOnce);
    EXPECT_LT((after[i].resident_bytes - before[i].resident_bytes) / kSessions, 16 << 10) << "bytes a session";
  }
}

TEST_P(Sessions, ADeviceCanBeConnectedAgainAndAgain) {
  for (int i = 0; i < 50; ++i) {
    connect({address()});
    const auto x = torch::ones({10}, torch::Device("remote:0"));
    EXPECT_EQ(x.sum().item<float>(), 10);
    disconnect();
    EXPECT_THROW((x + 1).cpu(), c10::Error) << "a tensor of a session that has ended";
    disconnect();
  }
}

INSTANTIATE_TEST_SUITE_P(All, Sessions, testing::ValuesIn(carriers()), [](const auto& info) { return info.param; });

}  // namespace
}  // namespace remote::test
