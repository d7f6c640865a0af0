#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <remote/train/models/char_gpt.h>
#include <remote/train/models/resnet8.h>
#include <remote/train/state_dict.h>

namespace remote::train {
namespace {

using ::testing::HasSubstr;

int64_t parameter_count(const torch::nn::Module& module) {
  int64_t count = 0;
  for (const NamedTensor& entry : state_dict(module)) count += entry.tensor.requires_grad() ? entry.tensor.numel() : 0;
  return count;
}

std::string fault_of(Model& model, const at::Tensor& input) {
  try {
    model.forward(input);
    return "nothing";
  } catch (const c10::Error& error) {
    return error.what_without_backtrace();
  }
}

CharGPTOptions small() { return {.vocab_size = 65, .n_layer = 2, .n_head = 2, .n_embd = 16, .block_size = 8}; }

TEST(CharGPTTest, NanoGPTsSettingHasItsNumberOfParameters) {
  CharGPT model({.vocab_size = 65, .n_layer = 4, .n_head = 4, .n_embd = 128, .block_size = 64});
  EXPECT_EQ(parameter_count(model), 804'096);
}

TEST(CharGPTTest, ParametersHaveNanoGPTsNames) {
  CharGPTOptions options = small();
  options.n_layer = 1;
  options.bias = true;
  std::vector<std::string> names;
  for (const NamedTensor& entry : state_dict(CharGPT(options))) names.push_back(entry.name);
  EXPECT_THAT(names, ::testing::ElementsAre("transformer.wte.weight", "transformer.wpe.weight",
                                            "transformer.h.0.ln_1.weight", "transformer.h.0.ln_1.bias",
                                            "transformer.h.0.attn.c_attn.weight", "transformer.h.0.attn.c_attn.bias",
                                            "transformer.h.0.attn.c_proj.weight", "transformer.h.0.attn.c_proj.bias",
                                            "transformer.h.0.ln_2.weight", "transformer.h.0.ln_2.bias",
                                            "transformer.h.0.mlp.c_fc.weight", "transformer.h.0.mlp.c_fc.bias",
                                            "transformer.h.0.mlp.c_proj.weight", "transformer.h.0.mlp.c_proj.bias",
                                            "transformer.ln_f.weight", "transformer.ln_f.bias"));
}

TEST(CharGPTTest, AnUntrainedModelKnowsNothing) {
  torch::manual_seed(1);
  CharGPT model(small());
  const at::Tensor tokens = at::randint(65, {4, 8}, at::kLong), targets = at::randint(65, {4, 8}, at::kLong);
  const at::Tensor scores = model.forward(tokens);
  EXPECT_EQ(scores.sizes(), at::IntArrayRef({4, 8, 65}));
  EXPECT_NEAR(at::cross_entropy_loss(scores.reshape({32, 65}), targets.reshape({32})).item<double>(), 4.174, 0.05);
}

TEST(CharGPTTest, ACharacterSeesOnlyWhatCameBefore) {
  CharGPT model(small());
  const at::Tensor tokens = at::zeros({1, 8}, at::kLong), changed = tokens.clone();
  changed[0][5] = 7;
  const at::Tensor a = model.forward(tokens), b = model.forward(changed);
  EXPECT_TRUE(a.narrow(1, 0, 5).equal(b.narrow(1, 0, 5)));
  EXPECT_FALSE(a.narrow(1, 5, 3).equal(b.narrow(1, 5, 3)));
}

TEST(CharGPTTest, ShorterSequencesAreTaken) {
  EXPECT_EQ(CharGPT(small()).forward(at::zeros({2, 3}, at::kLong)).sizes(), at::IntArrayRef({2, 3, 65}));
}

TEST(CharGPTTest, DropoutActsInTrainingAlone) {
  CharGPTOptions options = small();
  options.dropout = 0.5;
  CharGPT model(options);
  const at::Tensor tokens = at::randint(65, {2, 8}, at::kLong);
  EXPECT_FALSE(model.forward(tokens).equal(model.forward(tokens)));
  model.eval();
  EXPECT_TRUE(model.forward(tokens).equal(model.forward(tokens)));
}

TEST(CharGPTTest, EveryParameterGetsAGradientAndTheTiedOneFromBothEnds) {
  CharGPT model(small());
  model.forward(at::randint(65, {2, 8}, at::kLong)).square().mean().backward();
  for (const auto& item : model.named_parameters()) EXPECT_TRUE(item.value().grad().defined()) << item.key();
}

TEST(CharGPTTest, WhatDoesNotFitIsToldWithTheLayer) {
  CharGPT model(small());
  EXPECT_THAT(
      fault_of(model, at::zeros({1, 9}, at::kLong)),
      ::testing::AllOf(HasSubstr("at most its block_size (8), got [1, 9]"), HasSubstr("in layer transformer.wte")));
  CharGPTOptions odd = small();
  odd.n_embd = 15;
  EXPECT_THROW(CharGPT{odd}, c10::Error);
}

TEST(ResNet8Test, HasSeventyEightThousandParametersUnderTorchvisionsNames) {
  ResNet8 model{ResNet8Options()};
  EXPECT_EQ(parameter_count(model), 77'754);
  std::vector<std::string> names;
  for (const NamedTensor& entry : state_dict(model)) names.push_back(entry.name);
  EXPECT_THAT(names, ::testing::IsSupersetOf({"conv1.weight", "bn1.running_mean", "layer1.0.conv1.weight",
                                              "layer2.0.bn2.num_batches_tracked", "layer3.0.downsample.0.weight",
                                              "layer3.0.downsample.1.bias", "fc.weight"}));
}

TEST(ResNet8Test, ScoresImages) {
  ResNet8 model({.num_classes = 7, .in_channels = 3, .width = 4});
  EXPECT_EQ(model.forward(at::randn({2, 3, 28, 28})).sizes(), at::IntArrayRef({2, 7}));
}

TEST(ResNet8Test, WhatDoesNotFitIsToldWithTheLayer) {
  ResNet8 model{ResNet8Options()};
  EXPECT_THAT(fault_of(model, at::randn({2, 3, 28, 28})), HasSubstr("in layer conv1"));
}

}  // namespace
}  // namespace remote::train
