#include <cstring>

#include "dtypes.h"
#include "layouts.h"
#include "same.h"

namespace remote::test {
namespace {

/// Layouts and bytes drawn from seeds: whatever bits a tensor has on the CPU, it has them after every way there and
/// back. A failure prints what it takes to repeat it: REMOTE_TEST_SEED=<seed> runs that case and no other.
class RoundTrip : public Conformance {
 protected:
  void SetUp() override {
    if (!is_bit_equal()) GTEST_SKIP() << "neg views of NaNs have another sign on CUDA";
    Conformance::SetUp();
  }

  /// Calls `check(dice, dtype)` with seed after seed, and with every dtype in turn, until one fails.
  template <class Check>
  static void for_each_case(Check check) {
    std::vector<torch::ScalarType> dtypes(std::begin(kAllDtypes), std::end(kAllDtypes));
    dtypes.insert(dtypes.end(), std::begin(kCarriedDtypes), std::end(kCarriedDtypes));
    constexpr uint64_t kCasesPerDtype = 15;
    const char* wanted = std::getenv("REMOTE_TEST_SEED");
    const uint64_t first = wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : 0;
    const uint64_t last = wanted != nullptr ? first : kCasesPerDtype * dtypes.size() - 1;
    for (uint64_t seed = first; seed <= last; ++seed) {
      SCOPED_TRACE("REMOTE_TEST_SEED=" + std::to_string(seed));
      Dice dice(seed);
      check(dice, dtypes[seed % dtypes.size()]);
      if (HasFailure()) return;
    }
  }

  static testing::AssertionResult same_bytes(const torch::Tensor& expected, const torch::Tensor& actual) {
    if (expected.sizes() != actual.sizes() || expected.scalar_type() != actual.scalar_type()) {
      return testing::AssertionFailure() << "expected " << expected.toString() << expected.sizes() << ", got "
                                         << actual.toString() << actual.sizes();
    }
    const std::string a = bytes_of(expected), b = bytes_of(actual);
    if (a == b) return testing::AssertionSuccess();
    const auto differing = std::mismatch(a.begin(), a.end(), b.begin()).first - a.begin();
    return testing::AssertionFailure() << "byte " << differing << " of " << a.size() << " is "
                                       << int{static_cast<uint8_t>(b[differing])} << ", expected "
                                       << int{static_cast<uint8_t>(a[differing])};
  }
};

TEST_F(RoundTrip, WhatGoesUpComesBackByteForByte) {
  for_each_case([](Dice& dice, torch::ScalarType dtype) {
    const auto layout = draw_layout(dice, dtype, draw_sizes(dice), Use::kSource);
    const auto view = layout.in(draw_storage(dice, dtype, layout.storage_elements));
    const auto there = view.to(device(), dtype, /*non_blocking=*/false, /*copy=*/true);
    EXPECT_TRUE(same_bytes(view, there)) << layout;
    EXPECT_EQ(there.strides(), view.to(torch::kCPU, dtype, false, /*copy=*/true).strides()) << layout;
    const auto back = there.to(torch::kCPU);
    EXPECT_EQ(back.strides(), there.strides()) << layout;
  });
}

TEST_F(RoundTrip, AViewMadeOnTheDeviceHasTheBytesOfTheSameViewOnTheCpu) {
  for_each_case([](Dice& dice, torch::ScalarType dtype) {
    const auto layout = draw_layout(dice, dtype, draw_sizes(dice), Use::kSource);
    const auto storage = draw_storage(dice, dtype, layout.storage_elements);
    const auto view = layout.in(storage), there = layout.in(storage.to(device()));
    EXPECT_EQ(there.is_conj(), layout.conj);
    EXPECT_EQ(there.is_neg(), layout.neg);
    EXPECT_TRUE(same_bytes(view, there)) << layout;
    EXPECT_TRUE(same_bytes(view, there.clone())) << layout;
    EXPECT_EQ(view.clone().strides(), there.clone().strides()) << layout;
    EXPECT_TRUE(same_bytes(view, there.contiguous())) << layout;
  });
}

TEST_F(RoundTrip, CopiesBetweenLayoutsWriteTheirElementsAndNothingElse) {
  for_each_case([](Dice& dice, torch::ScalarType dtype) {
    const auto sizes = draw_sizes(dice);
    const auto from = draw_layout(dice, dtype, sizes, Use::kSource),
               to = draw_layout(dice, dtype, sizes, Use::kDestination);
    const auto source = draw_storage(dice, dtype, from.storage_elements), source_there = source.to(device());
    const auto before = draw_storage(dice, dtype, to.storage_elements);
    const auto expected = before.clone();
    to.in(expected).copy_(from.in(source));

    const auto there = before.to(device(), dtype, false, /*copy=*/true);
    to.in(there).copy_(from.in(source_there));
    EXPECT_TRUE(same_bytes(expected, there)) << "on the device, " << from << " to " << to;

    const auto uploaded = before.to(device(), dtype, false, /*copy=*/true);
    to.in(uploaded).copy_(from.in(source));
    EXPECT_TRUE(same_bytes(expected, uploaded)) << "up, " << from << " to " << to;

    const auto fetched = before.clone();
    to.in(fetched).copy_(from.in(source_there));
    EXPECT_TRUE(same_bytes(expected, fetched)) << "down, " << from << " to " << to;

    const auto elsewhere = before.to(other_device(), dtype, false, /*copy=*/true);
    to.in(elsewhere).copy_(from.in(source_there));
    EXPECT_TRUE(same_bytes(expected, elsewhere)) << "to another device, " << from << " to " << to;
  });
}

TEST_F(RoundTrip, BytesAreSeenThroughEveryDtypeOfTheirStorage) {
  for_each_case([](Dice& dice, torch::ScalarType dtype) {
    const auto bytes = draw_storage(dice, torch::kByte, 16 * (1 + dice.below(8)));
    if (dtype == torch::kBool) return;  // not every byte is one
    EXPECT_TRUE(same_bytes(bytes.view(dtype), bytes.to(device()).view(dtype)));
    EXPECT_TRUE(same_bytes(bytes, bytes.view(dtype).to(device()).view(torch::kByte)));
  });
}

TEST_F(RoundTrip, PayloadsOfNaNsAndSignsOfZerosSurvive) {
  const auto bits = torch::tensor({0x7f800001, 0x7fc12345, -0x3fedcc, -1, 0x00000001}, torch::kInt);
  auto numbers = torch::cat({bits.view(torch::kFloat), torch::tensor({0.f, -0.f})});
  for (const auto& there :
       {numbers.to(device()), numbers.to(device()).clone(), numbers.to(device()).view({1, 7}).t().contiguous()}) {
    EXPECT_EQ(bytes_of(there), bytes_of(numbers));
  }
  EXPECT_TRUE(std::signbit(numbers.to(device())[6].item<float>()));
}

TEST_F(RoundTrip, AStorageIsReachedToItsFarEnd) {
  constexpr int64_t kElements = int64_t{3} << 20;
  const auto there = torch::arange(kElements, torch::kInt).to(device());
  EXPECT_EQ(there.as_strided({2}, {1}, kElements - 2).cpu()[1].item<int>(), kElements - 1);
  EXPECT_EQ(there.as_strided({2}, {kElements - 1}, 0).cpu()[1].item<int>(), kElements - 1);
  EXPECT_THROW(there.as_strided({2}, {1}, kElements - 1).cpu(), c10::Error) << "one element beyond";
  EXPECT_THROW(there.as_strided({2}, {1}, -1), c10::Error) << "LibTorch has no negative offsets";
  if (on_worker()) clear_errors();
}

}  // namespace
}  // namespace remote::test
