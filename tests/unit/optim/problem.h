#pragma once
#include <torch/torch.h>

#include <gtest/gtest.h>

#include <vector>

namespace remote::optim::test {

using Shapes = std::vector<std::vector<int64_t>>;
/// No size is a multiple of a vector register's.
inline const Shapes kOddShapes{{3, 5}, {7}, {4, 2, 9}};
/// Every size is one of any vector register's.
inline const Shapes kEvenShapes{{4, 16}, {32}, {2, 8, 3}};

/// Parameters of several shapes with made-up gradients, the same on every device and in every step.
class Problem {
 public:
  explicit Problem(c10::Device device, at::ScalarType dtype = at::kFloat, const Shapes& shapes = kOddShapes)
      : device_(device), dtype_(dtype) {
    for (const auto& shape : shapes) {
      parameters.push_back(numbers(shape, 1 + parameters.size()).requires_grad_());
    }
  }

  void set_gradients(int step, size_t first = 0) {
    for (size_t i = first; i < parameters.size(); ++i) {
      parameters[i].mutable_grad() = numbers(parameters[i].sizes(), 100 * (step + 1) + i);
    }
  }

  /// Steps with new gradients each time.
  void train(torch::optim::Optimizer& optimizer, int steps, int first_step = 0) {
    for (int step = first_step; step < first_step + steps; ++step) {
      set_gradients(step);
      optimizer.step();
    }
  }

  std::vector<at::Tensor> values() const {
    std::vector<at::Tensor> result;
    for (const auto& parameter : parameters) result.push_back(parameter.detach().cpu().clone());
    return result;
  }

  std::vector<at::Tensor> parameters;

 private:
  at::Tensor numbers(at::IntArrayRef shape, uint64_t seed) const {
    auto generator = at::make_generator<at::CPUGeneratorImpl>(seed);
    return at::randn(shape, generator, at::kDouble).to(dtype_).to(device_);
  }

  c10::Device device_;
  at::ScalarType dtype_;
};

inline void expect_equal(const std::vector<at::Tensor>& actual, const std::vector<at::Tensor>& expected) {
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < actual.size(); ++i) {
    EXPECT_TRUE(at::equal(actual[i], expected[i])) << "parameter " << i << ":\n" << actual[i] << "\n" << expected[i];
  }
}

/// Fused kernels of Adam round in another order than torch::optim's ops.
inline void expect_close(const std::vector<at::Tensor>& actual, const std::vector<at::Tensor>& expected) {
  const double tolerance = 1e-6;
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < actual.size(); ++i) {
    EXPECT_TRUE(at::allclose(actual[i], expected[i], tolerance, tolerance))
        << "parameter " << i << " differs by " << (actual[i] - expected[i]).abs().max();
  }
}

/// Both places where parameters can live. The worker runs in this process, on the CPU.
inline std::vector<c10::Device> devices() { return {c10::Device("cpu"), c10::Device("remote:0")}; }

inline std::string device_name(const ::testing::TestParamInfo<c10::Device>& info) {
  return info.param.is_cpu() ? "Cpu" : "Remote";
}

}  // namespace remote::optim::test
