#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include <remote/train/nan_guard.h>

namespace remote::train {
namespace {

TEST(NanGuardTest, AFiniteLossChangesNothing) {
  NanGuard guard(at::kCPU);
  const at::Tensor loss = at::scalar_tensor(0.1f);
  guard.check(loss, {});
  EXPECT_EQ(guard.found_inf().item<float>(), 0);
  EXPECT_EQ(guard.bad_steps().item<float>(), 0);
  EXPECT_EQ(loss.item<float>(), 0.1f);
}

TEST(NanGuardTest, TheFlagStaysAndStepsAreCounted) {
  for (double bad : {std::nan(""), std::numeric_limits<double>::infinity()}) {
    NanGuard guard(at::kCPU);
    guard.check(at::scalar_tensor(1), {});
    guard.check(at::scalar_tensor(bad), {});
    guard.check(at::scalar_tensor(1), {});
    guard.check(at::scalar_tensor(1), {});
    EXPECT_EQ(guard.found_inf().item<float>(), 1);
    EXPECT_EQ(guard.bad_steps().item<float>(), 3);
  }
}

TEST(NanGuardTest, AGradientNormCountsAsWell) {
  NanGuard guard(at::kCPU);
  guard.check(at::scalar_tensor(1), at::scalar_tensor(std::nan("")));
  EXPECT_EQ(guard.bad_steps().item<float>(), 1);
}

TEST(NanGuardTest, ALossWithAGraphIsWatchedWithoutOne) {
  NanGuard guard(at::kCPU);
  const at::Tensor weight = at::ones({2}).requires_grad_();
  const at::Tensor loss = (weight * weight).sum();
  loss.backward();
  guard.check(loss, {});
  EXPECT_FALSE(guard.found_inf().requires_grad());
  EXPECT_EQ(loss.item<float>(), 2);
}

}  // namespace
}  // namespace remote::train
