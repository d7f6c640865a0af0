#include "same.h"

namespace remote::test {
namespace {

class Settings : public Conformance {
 protected:
  void TearDown() override {
    // A worker in this process shares these: nothing may be queued that was recorded under another value.
    if (on_worker()) synchronize();
    torch::set_default_dtype(caffe2::TypeMeta::Make<float>());
    at::globalContext().setFloat32MatmulPrecision("highest");
    at::globalContext().setDeterministicAlgorithms(false, false);
    Conformance::TearDown();
  }
};

TEST_F(Settings, TheDefaultDtypeHoldsOnTheDeviceToo) {
  if (on_worker()) synchronize();
  torch::set_default_dtype(caffe2::TypeMeta::Make<double>());
  EXPECT_EQ(torch::ones({2}, torch::TensorOptions(device())).scalar_type(), torch::kDouble);
  if (on_worker()) synchronize();
  torch::set_default_dtype(caffe2::TypeMeta::Make<int>());
  EXPECT_TRUE(same(torch::full({2}, 3, torch::kInt), torch::ones({2}, torch::TensorOptions(device())) + 2));
  if (on_worker()) synchronize();
  torch::set_default_dtype(caffe2::TypeMeta::Make<double>());
  EXPECT_TRUE(computes_the_same({torch::arange(5), torch::arange(5) + 3}, [](const auto& in) {
    return std::vector<torch::Tensor>{in[0] / in[1], in[0] * 1.5, in[0].to(torch::kFloat).mean(), torch::sqrt(in[1])};
  }));
}

TEST_F(Settings, TheDefaultDtypeDecidesWhatTheWorkerComputes) {
  if (on_worker()) synchronize();
  for (const auto dtype : {torch::kDouble, torch::kHalf, torch::kBFloat16, torch::kFloat}) {
    torch::set_default_dtype(c10::scalarTypeToTypeMeta(dtype));
    EXPECT_TRUE(computes_the_same({torch::arange(1, 6)}, [](const auto& in) {
      const torch::TensorOptions where(in[0].device());
      return std::vector<torch::Tensor>{
          torch::full({2}, 0.1, where),    torch::linspace(0, 1, 3, where),           in[0].true_divide(3), in[0].log(),
          torch::arange(0, 1, 0.3, where), in[0].to(torch::kBool).logical_not() * 0.5};
    })) << dtype;
    if (on_worker()) synchronize();
  }
}

TEST_F(Settings, Float32MatmulPrecisionIsTheWorkersToo) {
  for (const char* precision : {"medium", "high", "highest"}) {
    if (on_worker()) synchronize();
    at::globalContext().setFloat32MatmulPrecision(precision);
    EXPECT_TRUE(computes_the_same({torch::randn({33, 65}), torch::randn({65, 17})}, [](const auto& in) {
      return std::vector<torch::Tensor>{in[0].mm(in[1]), torch::linear(in[0], in[1].t())};
    })) << precision;
  }
}

TEST_F(Settings, TheWorkerIsToldOfANewPrecisionWithTheNextProductAndOnce) {
  if (!on_worker()) GTEST_SKIP() << "the device under test is the CPU";
  const auto there = torch::ones({2, 2}, torch::TensorOptions(device()));
  const auto records_of_a_product = [&] {
    synchronize();  // releases of what the last call made are recorded
    const Stats before = stats(device());
    const auto product = there.mm(there);
    synchronize();
    return (stats(device()) - before).client.records;
  };
  records_of_a_product();  // the first one defines the op
  const uint64_t usual = records_of_a_product();
  at::globalContext().setFloat32MatmulPrecision("high");
  EXPECT_TRUE(same(torch::full({2, 2}, 2.f), there + 1)) << "an op that multiplies no matrices";
  EXPECT_GT(records_of_a_product(), usual);
  EXPECT_EQ(records_of_a_product(), usual);
  at::globalContext().setFloat32Precision(at::Float32Backend::MKLDNN, at::Float32Op::MATMUL,
                                          at::Float32Precision::IEEE);
  EXPECT_EQ(records_of_a_product(), usual + 1) << "LibTorch's newer names for precisions";
  EXPECT_EQ(records_of_a_product(), usual);
}

TEST_F(Settings, EachKindOfProductHasAPrecisionOfItsOwn) {
  using at::Float32Backend, at::Float32Op, at::Float32Precision;
  const auto x = torch::randn({2, 3, 8, 8}), kernel = torch::randn({4, 3, 3, 3}), a = torch::randn({8, 8});
  const std::map<Float32Op, std::function<torch::Tensor(const std::vector<torch::Tensor>&)>> products = {
      {Float32Op::CONV, [](const auto& in) { return torch::conv2d(in[0], in[1]); }},
      {Float32Op::MATMUL, [](const auto& in) { return in[2].mm(in[2]); }},
  };
  auto& context = at::globalContext();
  for (const auto& [op, product] : products) {
    for (const auto precision : {Float32Precision::BF16, Float32Precision::TF32, Float32Precision::NONE}) {
      if (on_worker()) synchronize();
      context.setFloat32Precision(Float32Backend::MKLDNN, op, precision);
      EXPECT_TRUE(
          computes_the_same({x, kernel, a}, [&](const auto& in) { return std::vector<torch::Tensor>{product(in)}; }));
    }
  }
}

TEST_F(Settings, WhetherMkldnnIsUsedIsTheProgramsChoiceOnTheDeviceToo) {
  if (on_worker()) synchronize();
  at::globalContext().setUserEnabledMkldnn(false);
  EXPECT_TRUE(computes_the_same({torch::randn({2, 3, 16, 16}), torch::randn({4, 3, 3, 3})}, [](const auto& in) {
    return std::vector<torch::Tensor>{torch::conv2d(in[0], in[1])};
  }));
  if (on_worker()) synchronize();
  at::globalContext().setUserEnabledMkldnn(true);
}

TEST_F(Settings, ProductsGoOnWhereLibTorchHasNoAnswerForItsOldSwitches) {
  if (on_worker()) synchronize();
  auto& context = at::globalContext();
  context.setFloat32Precision(at::Float32Backend::CUDA, at::Float32Op::MATMUL, at::Float32Precision::TF32);
  EXPECT_TRUE(computes_the_same({torch::randn({3, 4}), torch::randn({4, 2})},
                                [](const auto& in) { return std::vector<torch::Tensor>{in[0].mm(in[1])}; }));
  if (on_worker()) synchronize();
  context.setFloat32Precision(at::Float32Backend::CUDA, at::Float32Op::MATMUL, at::Float32Precision::NONE);
}

TEST_F(Settings, WhatHasNoDeterministicAlgorithmIsRefusedOnTheDeviceToo) {
  const auto index = torch::tensor({0, 2}).to(device());
  const auto source = torch::ones({2}).to(device());
  torch::Tensor x;
  const auto put = [&] {
    return message_of([&] {
      x = torch::zeros({4}).to(device());
      x.put_(index, source);
    });
  };
  if (on_worker()) synchronize();
  at::globalContext().setDeterministicAlgorithms(true, /*warn_only=*/false);
  EXPECT_NE(put().find("deterministic"), std::string::npos);
  if (on_worker()) clear_errors();
  at::globalContext().setDeterministicAlgorithms(true, /*warn_only=*/true);
  EXPECT_EQ(put(), "no error");
  if (on_worker()) synchronize();
  at::globalContext().setDeterministicAlgorithms(false, false);
  EXPECT_EQ(put(), "no error");
  EXPECT_TRUE(same(torch::tensor({1.f, 0.f, 1.f, 0.f}), x));
}

TEST_F(Settings, DeterministicAlgorithmsAreAskedForOnTheDeviceToo) {
  if (on_worker()) synchronize();
  at::globalContext().setDeterministicAlgorithms(true, false);
  const auto index = torch::tensor({0, 0, 2});
  EXPECT_TRUE(computes_the_same({torch::zeros({3}), index, torch::tensor({1.f, 2.f, 3.f})}, [](const auto& in) {
    return std::vector<torch::Tensor>{in[0].index_put({in[1]}, in[2], true), in[0].scatter_add(0, in[1], in[2])};
  }));
}

TEST_F(Settings, ADeviceScopeDecidesWhereFactoriesThatNameNoDeviceMakeTensors) {
  const DeviceScope scope(device());
  EXPECT_EQ(torch::zeros({2}).device(), device());
  EXPECT_EQ(torch::randn({2}).device(), device());
  EXPECT_EQ(torch::arange(3).device(), device());
  EXPECT_EQ(torch::zeros({2}, torch::kCPU).device(), torch::kCPU) << "a device that is named counts";
  EXPECT_EQ(torch::nn::Linear(2, 3)->weight.device(), device());
  {
    const DeviceScope inner{torch::Device(torch::kCPU)};
    EXPECT_EQ(torch::zeros({2}).device(), torch::kCPU);
  }
  EXPECT_EQ(torch::zeros({2}).device(), device());
}

/// A generator of another maker, who has kernels of their own for it.
class ForeignGenerator final : public c10::GeneratorImpl {
 public:
  ForeignGenerator() : c10::GeneratorImpl(c10::kCPU, c10::DispatchKeySet(c10::DispatchKey::CustomRNGKeyId)) {}
  void set_current_seed(uint64_t) override {}
  void set_offset(uint64_t) override {}
  uint64_t get_offset() const override { return 0; }
  uint64_t current_seed() const override { return 0; }
  uint64_t seed() override { return 0; }
  void set_state(const c10::TensorImpl&) override {}
  c10::intrusive_ptr<c10::TensorImpl> get_state() const override { return torch::zeros({1}).getIntrusivePtr(); }

 private:
  ForeignGenerator* clone_impl() const override { return new ForeignGenerator(); }
};

TEST_F(Settings, ADeviceScopeLeavesGeneratorsOfOthersTheirKernels) {
  torch::Library kernels(torch::Library::IMPL, "aten", c10::DispatchKey::CustomRNGKeyId, __FILE__, __LINE__);
  kernels.impl("random_",
               [](torch::Tensor& self, std::optional<at::Generator>) -> torch::Tensor& { return self.fill_(7); });
  const DeviceScope scope(device());
  torch::Tensor numbers = torch::zeros({2}, torch::TensorOptions(torch::kCPU));
  numbers.random_(at::make_generator<ForeignGenerator>());
  EXPECT_TRUE(torch::equal(torch::full({2}, 7.f, torch::TensorOptions(torch::kCPU)), numbers));
}

TEST_F(Settings, ADeviceScopeEndsAndReachesNoOtherThread) {
  {
    const DeviceScope scope(device());
    std::thread([] { EXPECT_EQ(torch::zeros({2}).device(), torch::kCPU); }).join();
  }
  EXPECT_EQ(torch::zeros({2}).device(), torch::kCPU);
  EXPECT_FALSE(DeviceScope::current().has_value());
}

TEST_F(Settings, TrainingInsideADeviceScopeWorks) {
  const DeviceScope scope(device());
  torch::nn::Linear layer(3, 1);
  torch::optim::Adam optimizer(layer->parameters(), 0.1);
  const auto x = torch::rand({8, 3}), y = torch::rand({8, 1});
  const auto loss = [&] { return torch::mse_loss(layer->forward(x), y); };
  const double before = loss().item<double>();
  for (int i = 0; i < 20; ++i) {
    optimizer.zero_grad();
    loss().backward();
    optimizer.step();
  }
  EXPECT_LT(loss().item<double>(), before);
}

}  // namespace
}  // namespace remote::test
