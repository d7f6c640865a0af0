#include <gtest/gtest.h>

#include <sstream>

#include <remote/nn/nn.h>

#include "worker.h"

namespace remote::nn::test {
namespace {

TEST(ContainerTest, SequentialTakesBothKindsOfModules) {
  Sequential net(Linear(4, 3), torch::nn::ReLU(), Functional(torch::tanh), Linear(3, 2));
  EXPECT_EQ(net->forward(ones({5, 4})).sizes(), at::IntArrayRef({5, 2}));
  EXPECT_EQ(net->size(), 4u);
  EXPECT_EQ(net->at<LinearImpl>(3).weight.device(), kRemote);
  EXPECT_EQ(net[0]->as<Linear>()->options.in_features(), 4);
}

TEST(ContainerTest, SequentialOfNamedModulesClonesThem) {
  Sequential net({{"fc", Linear(4, 3)}, {"act", ReLU()}});
  auto clone = std::dynamic_pointer_cast<torch::nn::SequentialImpl>(net->clone());
  ASSERT_NE(clone, nullptr);
  EXPECT_TRUE(at::equal(clone->forward(ones({2, 4})).cpu(), net->forward(ones({2, 4})).cpu()));
  EXPECT_NE(clone->ptr(0)->as<Linear>(), nullptr);
}

TEST(ContainerTest, AnyModuleFillsInDefaultArguments) {
  torch::nn::AnyModule any(GRU(GRUOptions(4, 3)));
  const auto output = any.forward<std::tuple<at::Tensor, at::Tensor>>(ones({5, 2, 4}));
  EXPECT_EQ(std::get<0>(output).device(), kRemote);
  EXPECT_EQ(any.get<GRU>()->options.hidden_size(), 3);
}

TEST(ContainerTest, ListsAndDictionariesHoldRemoteModules) {
  ModuleList list(Linear(2, 2), Dropout(0.1));
  EXPECT_EQ(list->ptr<LinearImpl>(0)->weight.device(), kRemote);
  ModuleDict dictionary(std::vector<std::pair<std::string, std::shared_ptr<torch::nn::Module>>>{
      {"fc", Linear(2, 2).ptr()}, {"norm", LayerNorm(LayerNormOptions({2})).ptr()}});
  EXPECT_EQ(dictionary->parameters().size(), 4u);
  ParameterList parameters(ones({2}), ones({3}));
  EXPECT_EQ(parameters->at(1).device(), kRemote);
}

TEST(ContainerTest, EncoderTakesARemoteLayerByItsTorchType) {
  TransformerEncoderLayer layer(TransformerEncoderLayerOptions(4, 2).dim_feedforward(8));
  TransformerEncoder encoder(layer, 2);
  EXPECT_EQ(encoder->forward(ones({3, 1, 4})).device(), kRemote);
  const torch::nn::TransformerEncoderLayer same = layer;
  EXPECT_EQ(same.ptr().get(), layer.ptr().get());
}

TEST(ContainerTest, SavedModelIsLoadedBack) {
  Sequential net(Linear(4, 3), BatchNorm1d(3)), other(Linear(4, 3), BatchNorm1d(3));
  net->forward(ones({5, 4}));
  std::stringstream stream;
  torch::save(net, stream);
  torch::load(other, stream, kRemote);
  const auto expected = net->named_parameters(), actual = other->named_parameters();
  for (const auto& item : expected) {
    EXPECT_EQ(actual[item.key()].device(), kRemote);
    EXPECT_TRUE(at::equal(actual[item.key()].cpu(), item.value().cpu())) << item.key();
  }
}

TEST(ContainerTest, FunctionalAndInitAreTorchs) {
  at::Tensor weight = ones({3, 4});
  init::constant_(weight, 2.0);
  EXPECT_EQ(functional::linear(ones({1, 4}), weight).sum().item<float>(), 24);
}

}  // namespace
}  // namespace remote::nn::test
