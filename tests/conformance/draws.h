#pragma once
#include <functional>
#include <vector>

#include "device_under_test.h"

namespace remote::test {

/// Makes a tensor of random numbers with these options.
using Draw = std::function<torch::Tensor(torch::TensorOptions)>;

/// Whether the draws, one after the other from one seed, give on the device under test the bits that they give on the
/// CPU.
testing::AssertionResult draws_the_same(const std::vector<Draw>& draws);

/// A new generator of a device, seeded with 42.
at::Generator own_generator(torch::Device where);

/// For tests that compare draws: skips them where draws differ by nature.
class Draws : public Conformance {
 protected:
  void SetUp() override;
};

}  // namespace remote::test
