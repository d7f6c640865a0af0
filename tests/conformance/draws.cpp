#include "draws.h"

#include <ATen/CPUGeneratorImpl.h>

#include "same.h"

namespace remote::test {

testing::AssertionResult draws_the_same(const std::vector<Draw>& draws) {
  const auto draw_all = [&](torch::Device where) {
    torch::manual_seed(99);
    // Some of LibTorch's functions draw into a tensor for which they name no device.
    const DeviceScope scope(where);
    std::vector<torch::Tensor> drawn;
    for (const auto& draw : draws) drawn.push_back(draw(torch::TensorOptions(where)));
    return drawn;
  };
  const auto expected = draw_all(torch::kCPU), actual = draw_all(device());
  for (size_t i = 0; i < draws.size(); ++i) {
    if (actual[i].device() != device()) {
      return testing::AssertionFailure() << "draw " << i << " is on " << actual[i].device() << ", not on " << device();
    }
    if (auto result = same(expected[i], actual[i]); !result) return result << "\nin draw " << i;
  }
  return testing::AssertionSuccess();
}

at::Generator own_generator(torch::Device where) {
  auto generator = where.is_cpu()
                       ? at::detail::createCPUGenerator()
                       : at::globalContext().getAcceleratorHooksInterface(where.type()).getNewGenerator(where.index());
  generator.set_current_seed(42);
  return generator;
}

void Draws::SetUp() {
  if (!is_bit_equal()) GTEST_SKIP() << "a CUDA worker draws from CUDA's generator";
  Conformance::SetUp();
}

}  // namespace remote::test
