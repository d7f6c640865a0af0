#include <remote/tensor/fetch.h>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <thread>

#include <remote/device/error.h>
#include <remote/device/runtime.h>

#include "worker.h"

namespace remote::test {
namespace {

uint64_t synchronisations() { return device::Runtime::get().session(0).counters().synchronisations; }

TEST(FetchTest, ReadsTheValueAsOfTheCall) {
  at::Tensor tensor = at::arange(6, at::TensorOptions(at::kFloat).device(kRemote)).view({2, 3});
  const TensorFuture future = fetch(tensor);
  tensor.zero_();
  EXPECT_TRUE(at::equal(future.get(), at::arange(6, at::kFloat).view({2, 3})));
}

TEST(FetchTest, KeepsShapeAndDtypeOfAView) {
  const at::Tensor local = at::arange(24, at::kLong).view({2, 3, 4});
  const at::Tensor view = local.to(kRemote).select(1, 2).t();
  const at::Tensor value = fetch(view).get();
  EXPECT_EQ(value.scalar_type(), at::kLong);
  EXPECT_TRUE(value.is_contiguous());
  EXPECT_TRUE(at::equal(value, local.select(1, 2).t()));
}

TEST(FetchTest, ResolvesConjugation) {
  const at::Tensor local = at::complex(at::arange(3, at::kFloat), at::ones({3}));
  EXPECT_TRUE(at::equal(fetch(local.to(kRemote).conj()).get(), local.conj().resolve_conj()));
}

TEST(FetchTest, EmptyTensorArrivesEmpty) {
  const at::Tensor value = fetch(at::empty({0, 4}, at::TensorOptions(at::kHalf).device(kRemote))).get();
  EXPECT_EQ(value.sizes(), at::IntArrayRef({0, 4}));
  EXPECT_EQ(value.scalar_type(), at::kHalf);
}

TEST(FetchTest, CpuTensorIsReadyAtOnceAndASnapshot) {
  at::Tensor local = at::ones({3});
  const TensorFuture future = fetch(local);
  local.zero_();
  EXPECT_TRUE(future.ready());
  EXPECT_TRUE(future.wait_for(std::chrono::milliseconds(0)));
  EXPECT_TRUE(at::equal(future.get(), at::ones({3})));
}

TEST(FetchTest, AskingDoesNotWaitAndWaitingCounts) {
  const at::Tensor tensor = at::ones({4}, at::TensorOptions().device(kRemote));
  const uint64_t before = synchronisations();
  const TensorFuture future = fetch(tensor);
  EXPECT_EQ(synchronisations(), before);
  while (!future.ready()) std::this_thread::yield();
  EXPECT_EQ(future.get().sum().item<float>(), 4);
  EXPECT_EQ(synchronisations(), before) << "a value that had come was waited for";
}

TEST(FetchTest, CopiesOfAFutureShareTheResultAcrossThreads) {
  const TensorFuture future = fetch(at::arange(100000, at::TensorOptions(at::kFloat).device(kRemote)));
  std::vector<at::Tensor> values(4);
  {
    std::vector<std::jthread> threads;
    for (auto& value : values) threads.emplace_back([&value, future] { value = future.get(); });
  }
  EXPECT_TRUE(at::equal(values[0], at::arange(100000, at::kFloat)));
  for (const auto& value : values) EXPECT_TRUE(value.is_same(values[0]));
}

TEST(FetchTest, FailureOfAnOpIsThrownByGetWithTheOpsName) {
  const at::Tensor table = at::ones({3, 2}, at::TensorOptions().device(kRemote));
  const TensorFuture future = fetch(failed_on_the_worker());
  for (int attempt = 0; attempt < 2; ++attempt) {
    try {
      future.get();
      FAIL() << "index 7 of 3 was accepted";
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find("index_select"), std::string::npos) << error.what();
    }
  }
  EXPECT_TRUE(at::equal(fetch(table).get(), at::ones({3, 2}))) << "a healthy tensor must stay readable";
}

TEST(FetchTest, ScalarNeedsOneElement) {
  const at::Tensor tensor = at::full({1, 1}, 2.5, at::TensorOptions().device(kRemote));
  EXPECT_EQ(fetch_scalar<float>(tensor).get(), 2.5f);
  EXPECT_EQ(fetch_scalar<double>(at::scalar_tensor(3)).get(), 3.0);
  EXPECT_THROW(fetch_scalar<float>(tensor.expand({2, 1})), c10::ValueError);
  EXPECT_THROW(fetch_scalar<float>(at::Tensor()), c10::ValueError);
}

TEST(FetchTest, UndefinedTensorAndFutureAreRefused) {
  EXPECT_THROW(fetch(at::Tensor()), Error);
  EXPECT_FALSE(TensorFuture().valid());
  EXPECT_THROW(TensorFuture().get(), c10::Error);
}

}  // namespace
}  // namespace remote::test
