#include <gtest/gtest.h>

#include <remote/nn/nn.h>

#include "worker.h"

namespace remote::nn::test {
namespace {

/// A user's module, written as for LibTorch.
struct BlockImpl : torch::nn::Cloneable<BlockImpl> {
  BlockImpl() { reset(); }
  void reset() override {
    fc = register_module("fc", Linear(4, 4));
    dropout = register_module("dropout", Dropout(0.5));
  }
  at::Tensor forward(const at::Tensor& x) { return dropout->forward(fc->forward(x)); }
  Linear fc = nullptr;
  Dropout dropout = nullptr;
};
TORCH_MODULE(Block);

TEST(CloneTest, UsersModuleKeepsItsRemoteChildren) {
  Block block;
  auto clone = std::dynamic_pointer_cast<BlockImpl>(block->clone());
  ASSERT_NE(clone, nullptr);
  EXPECT_NE(clone->children()[0]->as<Linear>(), nullptr);
  EXPECT_EQ(clone->fc->weight.device(), kRemote);
  EXPECT_TRUE(at::equal(clone->fc->weight.cpu(), block->fc->weight.cpu()));
  EXPECT_EQ(clone->forward(at::ones({1, 4}, at::TensorOptions().device(kRemote))).device(), kRemote);
}

TEST(CloneTest, ChangingTheCloneLeavesTheOriginal) {
  Linear layer(3, 2);
  const at::Tensor before = layer->weight.detach().cpu();
  auto clone = std::dynamic_pointer_cast<LinearImpl>(layer->clone());
  ASSERT_NE(clone, nullptr);
  at::NoGradGuard no_grad;
  clone->weight.zero_();
  EXPECT_TRUE(at::equal(layer->weight.cpu(), before));
  EXPECT_EQ(clone->forward(at::ones({1, 3}, at::TensorOptions().device(kRemote))).abs().sum().item<float>(),
            clone->bias.abs().sum().item<float>());
}

TEST(CloneTest, CloneToTheCpuIsThere) {
  Linear layer(3, 2);
  const auto clone = std::dynamic_pointer_cast<LinearImpl>(layer->clone(c10::Device("cpu")));
  ASSERT_NE(clone, nullptr);
  EXPECT_TRUE(clone->weight.is_cpu());
  EXPECT_TRUE(at::equal(clone->weight, layer->weight.cpu()));
}

TEST(CloneTest, RecurrentWeightsOfTheCloneAreItsOwn) {
  LSTM lstm(LSTMOptions(3, 2));
  auto clone = std::dynamic_pointer_cast<LSTMImpl>(lstm->clone());
  ASSERT_NE(clone, nullptr);
  const at::Tensor x = at::ones({2, 1, 3}, at::TensorOptions().device(kRemote));
  const at::Tensor before = std::get<0>(clone->forward(x)).cpu();
  at::NoGradGuard no_grad;
  for (auto& parameter : lstm->parameters()) parameter.zero_();
  EXPECT_TRUE(at::equal(std::get<0>(clone->forward(x)).cpu(), before));
}

}  // namespace
}  // namespace remote::nn::test
