#pragma once
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include <remote/remote.h>

namespace remote::test {

/// What the suite runs on, from REMOTE_TEST_DEVICE: "cpu" (LibTorch itself: a test that fails there is wrong),
/// "embedded" or "grpc" (remote:0, through a worker in this process or an rt-worker beside it), "cuda" (embedded, on a
/// CUDA device).
torch::Device device();

/// A second device of the same kind, remote:1, with a worker of its own. The CPU where device() is the CPU.
torch::Device other_device();

/// Whether device() is a remote one.
bool on_worker();

/// Whether values are the CPU's to the last bit.
bool is_bit_equal();

/// What the c10::Error says that `cause`, or running what it has recorded, throws; "no error" for none.
std::string message_of(const std::function<void()>& cause);

/// How often `work` has waited for the worker of device(); 0 on the CPU.
uint64_t waits_in(const std::function<void()>& work);

/// Seeds every generator before a test, and takes care that no error of one test reaches the next.
class Conformance : public testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;
};

}  // namespace remote::test
