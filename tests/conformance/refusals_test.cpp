#include <gmock/gmock.h>

#include <torch/nested.h>

#include "same.h"

namespace remote::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

/// What a worker does not hold is refused where it is asked for, in one sentence, and the session goes on.
class Refusals : public Conformance {
 protected:
  void SetUp() override {
    if (!on_worker()) GTEST_SKIP() << "the CPU has these";
    Conformance::SetUp();
  }
  void TearDown() override {
    if (!on_worker()) return;
    EXPECT_TRUE(same(torch::ones({3, 3}), x_)) << "the tensor that was refused has changed";
    Conformance::TearDown();
  }

  static void expect_refused(const std::string& kind, const std::vector<std::function<void()>>& attempts) {
    for (size_t i = 0; i < attempts.size(); ++i) {
      EXPECT_THAT(message_of(attempts[i]), AllOf(HasSubstr(kind), HasSubstr("remote"), Not(HasSubstr("\n"))))
          << "attempt " << i;
    }
  }

  torch::Tensor x_ = torch::ones({3, 3}, torch::TensorOptions(device()));
  torch::TensorOptions there_{device()};
};

TEST_F(Refusals, SparseTensors) {
  const auto indices = torch::tensor({{0, 1}, {2, 0}}).to(device());
  const auto rows = torch::tensor({0, 1, 2, 2}).to(device()), columns = torch::tensor({2, 0}).to(device());
  const auto values = torch::ones({2}, there_);
  const auto sparse = torch::eye(3).to_sparse(), compressed = torch::eye(3).to_sparse_csr();
  expect_refused(
      "sparse",
      {[&] { x_.to_sparse(); }, [&] { x_.to_sparse(1); }, [&] { x_.to_sparse_csr(); }, [&] { x_.to_sparse_csc(); },
       [&] {
         x_.to_sparse_bsr({1, 1});
       },
       [&] {
         x_.to_sparse_bsc({1, 1});
       },
       [&] { x_.to_sparse(torch::kSparse); },
       [&] {
         torch::sparse_coo_tensor(indices, values, {3, 3});
       },
       [&] {
         torch::sparse_coo_tensor({3, 3}, there_);
       },
       [&] {
         torch::sparse_csr_tensor(rows, columns, values, {3, 3}, there_);
       },
       [&] { at::sparse_compressed_tensor(rows, columns, values, there_.layout(torch::kSparseCsc)); },
       [&] {
         at::_sparse_compressed_tensor_unsafe(rows, columns, values, {3, 3}, there_.layout(torch::kSparseCsr));
       },
       [&] { torch::zeros({2}, there_.layout(torch::kSparse)); },
       [&] {
         torch::empty({2, 2}, there_.layout(torch::kSparseCsr));
       },
       [&] { sparse.to(device()); }, [&] { compressed.to(device()).mm(x_); }, [&] { x_.mm(sparse); },
       [&] { sparse.mm(x_); },
       [&] {
         const auto weight = torch::ones({3, 2}, there_).requires_grad_();
         torch::embedding(weight, columns, -1, false, /*sparse=*/true).sum().backward();
       }});
}

TEST_F(Refusals, QuantizedTensors) {
  const auto scales = torch::ones({3}, there_), zero_points = torch::zeros({3}, there_.dtype(torch::kLong));
  const auto quantized = torch::quantize_per_tensor(torch::ones({2}), 0.1, 0, torch::kQInt8);
  expect_refused("quantized", {[&] { torch::quantize_per_tensor(x_, 0.1, 0, torch::kQInt8); },
                               [&] { torch::quantize_per_tensor(x_, scales[0], zero_points[0], torch::kQUInt8); },
                               [&] { torch::quantize_per_channel(x_, scales, zero_points, 0, torch::kQInt8); },
                               [&] { torch::quantize_per_tensor_dynamic(x_, torch::kQInt8, false); },
                               [&] { torch::empty({2}, there_.dtype(torch::kQUInt8)); },
                               [&] { at::_empty_affine_quantized({2}, there_.dtype(torch::kQInt8), 0.1, 0); },
                               [&] { quantized.to(device()); }, [&] { x_.to(torch::kQInt8); }});
}

TEST_F(Refusals, NestedTensors) {
  const auto here = torch::nested::nested_tensor({torch::ones({2}), torch::ones({3})});
  expect_refused(
      "nested",
      {[&] { torch::nested::as_nested_tensor({x_, x_}); },
       [&] { torch::nested::as_nested_tensor({torch::ones({2}), torch::ones({3})}, std::nullopt, device()) * 2; },
       [&] { torch::nested::nested_tensor({torch::ones({2}), torch::ones({3})}, there_) * 2; },
       [&] { at::_nested_tensor_from_mask(x_.unsqueeze(0), torch::ones({1, 3}, there_.dtype(torch::kBool))); },
       [&] { here.to(device()); }});
}

TEST_F(Refusals, TensorsInTheLayoutOfOneLibrary) {
  expect_refused("mkldnn", {[&] { x_.to_mkldnn(); }, [&] { torch::ones({2}).to_mkldnn().to(device()); }});
}

TEST_F(Refusals, NamedTensors) {
  const auto rename = c10::Dispatcher::singleton().findSchema({"aten::rename", ""});
  if (!rename) GTEST_SKIP() << "this LibTorch has no named tensors";
  torch::jit::Stack stack{x_, c10::List<std::string>({"N", "C"})};
  expect_refused("named", {[&] { rename->callBoxed(stack); }});
}

TEST_F(Refusals, DevicesThatDoNotExist) {
  expect_refused("remote:99", {[&] { torch::zeros({2}, torch::TensorOptions(torch::Device("remote:99"))); },
                               [&] { x_.to(torch::Device("remote:99")); },
                               [&] { c10::DeviceGuard guard(torch::Device("remote:99")); }});
}

TEST_F(Refusals, MemoryOfTheProgram) {
  float memory[4] = {};
  expect_refused("from_blob", {[&] { torch::from_blob(memory, {4}, there_); }});
}

}  // namespace
}  // namespace remote::test
