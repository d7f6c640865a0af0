#include "same.h"

#include <cstring>

namespace remote::test {
namespace {

bool has_same_bytes(const torch::Tensor& a, const torch::Tensor& b) {
  if (a.nbytes() != b.nbytes()) return false;
  return a.nbytes() == 0 || std::memcmp(a.const_data_ptr(), b.const_data_ptr(), a.nbytes()) == 0;
}

/// As bytes, except that a NaN has many.
bool is_identical(const torch::Tensor& a, const torch::Tensor& b) {
  if (has_same_bytes(a, b)) return true;
  if (!a.is_floating_point()) return false;
  return has_same_bytes(a.isnan(), b.isnan()) &&
         has_same_bytes(a.masked_fill(a.isnan(), 0), b.masked_fill(b.isnan(), 0));
}

torch::Tensor on_cpu(const torch::Tensor& tensor) {
  return tensor.detach().cpu().resolve_conj().resolve_neg().contiguous();
}

bool is_close(const torch::Tensor& a, const torch::Tensor& b) {
  if (!a.is_floating_point() && !a.is_complex()) return torch::equal(a, b);
  return torch::allclose(a, b, /*rtol=*/1e-3, /*atol=*/1e-4, /*equal_nan=*/true);
}

}  // namespace

testing::AssertionResult same(const torch::Tensor& expected, const torch::Tensor& actual) {
  if (expected.defined() != actual.defined()) {
    return testing::AssertionFailure() << (expected.defined() ? "the tensor is undefined"
                                                              : "the tensor should be undefined");
  }
  if (!expected.defined()) return testing::AssertionSuccess();
  if (expected.sizes() != actual.sizes() || expected.scalar_type() != actual.scalar_type()) {
    return testing::AssertionFailure() << "expected " << expected.toString() << expected.sizes() << ", got "
                                       << actual.toString() << actual.sizes();
  }
  const torch::Tensor a = on_cpu(expected), b = on_cpu(actual);
  if (is_bit_equal() ? is_identical(a, b) : is_close(a, b)) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "expected\n" << a << "\ngot\n" << b;
}

testing::AssertionResult computes_the_same(const std::vector<torch::Tensor>& inputs, const Compute& compute) {
  std::vector<torch::Tensor> local, moved;
  for (const auto& input : inputs) {
    const auto on = [&](torch::Device where) {
      torch::Tensor copy = torch::empty_strided(input.sizes(), input.strides(), input.options().device(where));
      copy.copy_(input.detach());
      return copy.set_requires_grad(input.requires_grad());
    };
    local.push_back(on(torch::kCPU));
    moved.push_back(on(device()));
  }
  const auto expected = compute(local), actual = compute(moved);
  if (expected.size() != actual.size()) {
    return testing::AssertionFailure() << "expected " << expected.size() << " results, got " << actual.size();
  }
  for (size_t i = 0; i < expected.size(); ++i) {
    if (auto result = same(expected[i], actual[i]); !result) return result << "\nin result " << i;
    if (!expected[i].defined()) continue;
    if (actual[i].device() != device()) {
      return testing::AssertionFailure() << "result " << i << " is on " << actual[i].device() << ", not on "
                                         << device();
    }
    if (expected[i].strides() != actual[i].strides()) {
      return testing::AssertionFailure() << "result " << i << " has strides " << actual[i].strides() << ", expected "
                                         << expected[i].strides();
    }
  }
  return testing::AssertionSuccess();
}

}  // namespace remote::test
