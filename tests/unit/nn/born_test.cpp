#include <gtest/gtest.h>

#include <sstream>

#include <remote/device/device_scope.h>
#include <remote/device/runtime.h>
#include <remote/nn/nn.h>

#include "worker.h"

namespace remote::nn::test {
namespace {

TEST(BornTest, EnclosingDeviceScopeSaysWhere) {
  DeviceScope scope("remote:1");
  EXPECT_EQ(Linear(2, 3)->weight.device(), c10::Device("remote:1"));
  DeviceScope inner("cpu");
  EXPECT_EQ(Linear(2, 3)->weight.device(), c10::Device("cpu"));
}

TEST(BornTest, ScopeEndsWithTheConstructor) {
  const Linear layer(2, 3);
  EXPECT_FALSE(DeviceScope::current());
  EXPECT_THROW(Conv2d(Conv2dOptions(3, 4, 3).groups(2)), c10::Error);
  EXPECT_FALSE(DeviceScope::current()) << "a constructor that throws must close its scope";
  EXPECT_EQ(torch::nn::Linear(2, 3)->weight.device(), c10::Device("cpu"));
}

TEST(BornTest, IsATorchModuleOfTheSameKind) {
  const Linear layer(2, 3);
  std::shared_ptr<torch::nn::Module> module = layer.ptr();
  EXPECT_NE(module->as<torch::nn::Linear>(), nullptr);
  EXPECT_NE(module->as<Linear>(), nullptr);
  EXPECT_EQ(module->name(), "remote::nn::LinearImpl");
  std::ostringstream out;
  out << layer;
  EXPECT_EQ(out.str(), "torch::nn::Linear(in_features=2, out_features=3, bias=true)");
}

TEST(BornTest, NullHolderAndDefaultConstructionWorkAsInTorch) {
  Linear none = nullptr;
  EXPECT_FALSE(none);
  EXPECT_TRUE(std::is_default_constructible_v<ReLUImpl>);
  EXPECT_FALSE(std::is_default_constructible_v<LinearImpl>);
  EXPECT_FALSE((std::is_constructible_v<LinearImpl, std::string>));
}

TEST(BornTest, DefaultArgumentsOfForwardAreTorchs) {
  LSTM lstm(LSTMOptions(4, 3));
  EXPECT_EQ(std::get<0>(lstm->forward(ones({5, 2, 4}))).sizes(), at::IntArrayRef({5, 2, 3}));
  MultiheadAttention attention(MultiheadAttentionOptions(4, 2));
  const at::Tensor x = ones({3, 2, 4});
  EXPECT_TRUE(std::get<1>(attention->forward(x, x, x)).defined()) << "need_weights is true by default";
  ConvTranspose1d upward(ConvTranspose1dOptions(2, 2, 3));
  EXPECT_EQ(upward->forward(ones({1, 2, 4})).size(2), 6);
}

TEST(BornTest, FromPretrainedUploadsTheValuesAndFreezesThem) {
  const at::Tensor values = at::randn({5, 2});
  Embedding embedding = Embedding::from_pretrained(values);
  EXPECT_EQ(embedding->weight.device(), kRemote);
  EXPECT_FALSE(embedding->weight.requires_grad());
  EXPECT_TRUE(at::equal(embedding->weight.cpu(), values));
  EmbeddingBag bag = EmbeddingBag::from_pretrained(values, EmbeddingBagFromPretrainedOptions().freeze(false));
  EXPECT_TRUE(bag->weight.requires_grad());
  EXPECT_TRUE(at::equal(bag->weight.cpu(), values));
}

TEST(BornTest, LayerGivenToAnEncoderIsCopiedToTheWorker) {
  torch::nn::TransformerEncoderLayer local(TransformerEncoderLayerOptions(4, 2).dim_feedforward(8));
  TransformerEncoder encoder(TransformerEncoderOptions(local, 2));
  for (const auto& parameter : encoder->parameters()) EXPECT_EQ(parameter.device(), kRemote);
  for (const auto& parameter : local->parameters()) EXPECT_TRUE(parameter.is_cpu()) << "the given layer was moved";
}

TEST(BornTest, MovesToTheCpuAndBack) {
  Linear layer(2, 3);
  layer->to(at::kCPU);
  EXPECT_EQ(layer->forward(at::ones({1, 2})).device(), c10::Device("cpu"));
  layer->to(kRemote);
  EXPECT_EQ(layer->forward(ones({1, 2})).device(), kRemote);
}

}  // namespace
}  // namespace remote::nn::test
