#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/rnn.h>
#include <torch/utils.h>

#include <remote/train/schema/layer_stack.h>

#include "apps/config/binder.h"
#include "apps/config/writer.h"
#include "apps/config/yaml_reader.h"

namespace remote::config {
namespace {

using testing::HasSubstr;

struct Model {
  schema::LayerRegistry layers{"layer"};
  schema::SequentialOptions options;
  Diagnostics diagnostics;

  explicit Model(const std::string& yaml) {
    schema::register_layers(layers);
    Node root = read_yaml(std::make_shared<Source>(Source::Kind::kFile, "x.yaml", yaml), diagnostics);
    bind(root, [&](schema::FieldVisitor& v) { describe(v, options, layers); }, diagnostics);
  }
  std::shared_ptr<schema::LayerStack> build() {
    EXPECT_EQ(diagnostics.render(), "");
    return std::make_shared<schema::LayerStack>(layers, options.layers);
  }
};

/// One layer of each type, with its required keys and the shape of an input that suits it.
struct Sample {
  std::string yaml;
  std::vector<int64_t> input;
  std::vector<int64_t> output;
};

std::vector<Sample> samples() {
  return {
      {"{type: Linear, in_features: 4, out_features: 3}", {2, 4}, {2, 3}},
      {"{type: Dropout, p: 0.3}", {2, 4}, {2, 4}},
      {"Dropout2d", {2, 4, 3, 3}, {2, 4, 3, 3}},
      {"Dropout3d", {2, 4, 3, 3, 3}, {2, 4, 3, 3, 3}},
      {"AlphaDropout", {2, 4}, {2, 4}},
      {"Flatten", {2, 3, 4}, {2, 12}},
      {"{type: Unflatten, dim: 1, unflattened_size: [2, 2]}", {2, 4}, {2, 2, 2}},
      {"{type: Upsample, scale_factor: 2}", {1, 1, 2, 2}, {1, 1, 4, 4}},
      {"{type: PixelShuffle, upscale_factor: 2}", {1, 4, 2, 2}, {1, 1, 4, 4}},
      {"{type: PixelUnshuffle, downscale_factor: 2}", {1, 1, 4, 4}, {1, 4, 2, 2}},
      {"{type: Conv1d, in_channels: 2, out_channels: 3, kernel_size: 3, padding: same}", {1, 2, 8}, {1, 3, 8}},
      {"{type: Conv2d, in_channels: 2, out_channels: 4, kernel_size: [3, 5], padding: [1, 2], groups: 2}",
       {1, 2, 8, 8},
       {1, 4, 8, 8}},
      {"{type: Conv3d, in_channels: 1, out_channels: 1, kernel_size: 2, stride: 2}", {1, 1, 4, 4, 4}, {1, 1, 2, 2, 2}},
      {"{type: ConvTranspose1d, in_channels: 2, out_channels: 1, kernel_size: 2, stride: 2}", {1, 2, 4}, {1, 1, 8}},
      {"{type: ConvTranspose2d, in_channels: 2, out_channels: 1, kernel_size: 2, stride: 2}",
       {1, 2, 4, 4},
       {1, 1, 8, 8}},
      {"{type: ConvTranspose3d, in_channels: 1, out_channels: 1, kernel_size: 2, stride: 2}",
       {1, 1, 2, 2, 2},
       {1, 1, 4, 4, 4}},
      {"{type: ConstantPad1d, padding: 1, value: 2.0}", {1, 1, 3}, {1, 1, 5}},
      {"{type: ConstantPad2d, padding: [1, 0, 0, 0], value: 2.0}", {1, 1, 3, 3}, {1, 1, 3, 4}},
      {"{type: ZeroPad1d, padding: 1}", {1, 1, 3}, {1, 1, 5}},
      {"{type: ZeroPad2d, padding: 1}", {1, 1, 3, 3}, {1, 1, 5, 5}},
      {"{type: ReflectionPad1d, padding: 1}", {1, 1, 3}, {1, 1, 5}},
      {"{type: ReflectionPad2d, padding: 1}", {1, 1, 3, 3}, {1, 1, 5, 5}},
      {"{type: ReplicationPad1d, padding: 1}", {1, 1, 3}, {1, 1, 5}},
      {"{type: ReplicationPad2d, padding: 1}", {1, 1, 3, 3}, {1, 1, 5, 5}},
      {"{type: BatchNorm1d, num_features: 4}", {2, 4}, {2, 4}},
      {"{type: BatchNorm2d, num_features: 4, momentum: null}", {2, 4, 3, 3}, {2, 4, 3, 3}},
      {"{type: BatchNorm3d, num_features: 2}", {2, 2, 2, 2, 2}, {2, 2, 2, 2, 2}},
      {"{type: InstanceNorm1d, num_features: 4}", {2, 4, 3}, {2, 4, 3}},
      {"{type: InstanceNorm2d, num_features: 4}", {2, 4, 3, 3}, {2, 4, 3, 3}},
      {"{type: InstanceNorm3d, num_features: 2}", {2, 2, 2, 2, 2}, {2, 2, 2, 2, 2}},
      {"{type: LayerNorm, normalized_shape: 4}", {2, 4}, {2, 4}},
      {"{type: GroupNorm, num_groups: 2, num_channels: 4}", {2, 4, 3}, {2, 4, 3}},
      {"{type: LocalResponseNorm, size: 2}", {2, 4, 3, 3}, {2, 4, 3, 3}},
      {"{type: MaxPool1d, kernel_size: 2}", {1, 1, 4}, {1, 1, 2}},
      {"{type: MaxPool2d, kernel_size: 3, stride: 2, padding: 1}", {1, 1, 4, 4}, {1, 1, 2, 2}},
      {"{type: MaxPool3d, kernel_size: 2}", {1, 1, 4, 4, 4}, {1, 1, 2, 2, 2}},
      {"{type: AvgPool1d, kernel_size: 2}", {1, 1, 4}, {1, 1, 2}},
      {"{type: AvgPool2d, kernel_size: 2}", {1, 1, 4, 4}, {1, 1, 2, 2}},
      {"{type: AvgPool3d, kernel_size: 2}", {1, 1, 4, 4, 4}, {1, 1, 2, 2, 2}},
      {"{type: AdaptiveAvgPool1d, output_size: 2}", {1, 1, 5}, {1, 1, 2}},
      {"{type: AdaptiveAvgPool2d, output_size: [1, 2]}", {1, 1, 5, 5}, {1, 1, 1, 2}},
      {"{type: AdaptiveAvgPool3d, output_size: 1}", {1, 1, 4, 4, 4}, {1, 1, 1, 1, 1}},
      {"{type: AdaptiveMaxPool1d, output_size: 2}", {1, 1, 5}, {1, 1, 2}},
      {"{type: AdaptiveMaxPool2d, output_size: 2}", {1, 1, 5, 5}, {1, 1, 2, 2}},
      {"{type: AdaptiveMaxPool3d, output_size: 1}", {1, 1, 4, 4, 4}, {1, 1, 1, 1, 1}},
      {"{type: LSTM, input_size: 3, hidden_size: 4, output: last}", {2, 5, 3}, {2, 4}},
      {"{type: GRU, input_size: 3, hidden_size: 4, bidirectional: true}", {2, 5, 3}, {2, 5, 8}},
      {"{type: RNN, input_size: 3, hidden_size: 4, nonlinearity: relu, batch_first: false}", {5, 2, 3}, {5, 2, 4}},
      {"{type: MultiheadAttention, embed_dim: 4, num_heads: 2}", {2, 5, 4}, {2, 5, 4}},
      {"{type: TransformerEncoderLayer, d_model: 4, nhead: 2, dim_feedforward: 8}", {2, 5, 4}, {2, 5, 4}},
      {"{type: GLU}", {2, 4}, {2, 2}},
      {"{type: Threshold, threshold: 0.1, value: 2}", {2, 4}, {2, 4}},
      {"{type: Residual, layers: [{type: Linear, in_features: 4, out_features: 4}, ReLU]}", {2, 4}, {2, 4}},
      {"{type: Residual, layers: [{type: Linear, in_features: 4, out_features: 3}], "
       "shortcut: [{type: Linear, in_features: 4, out_features: 3}]}",
       {2, 4},
       {2, 3}},
      {"{type: Sequential, layers: [ReLU, Tanh]}", {2, 4}, {2, 4}}};
}

std::string one_layer(const std::string& yaml) { return "layers:\n  - " + yaml + "\n"; }

TEST(LayersTest, EveryLayerIsBuiltAndRuns) {
  std::set<std::string> covered{"Embedding"};  // has a test of its own: it takes indices
  for (const Sample& sample : samples()) {
    SCOPED_TRACE(sample.yaml);
    Model model(one_layer(sample.yaml));
    auto stack = model.build();
    EXPECT_EQ(stack->forward(torch::randn(sample.input)).sizes(), torch::IntArrayRef(sample.output));
    covered.insert(model.options.layers.at(0).type->name);
  }
  schema::LayerRegistry layers("layer");
  schema::register_layers(layers);
  // What is left keeps the shape and needs no key.
  for (const schema::ComponentType& type : layers.types()) {
    if (covered.contains(type.name)) continue;
    SCOPED_TRACE(type.name);
    auto stack = Model(one_layer(type.name)).build();
    EXPECT_EQ(stack->forward(torch::randn({2, 4})).sizes(), torch::IntArrayRef({2, 4}));
  }
}

TEST(LayersTest, EveryLayersResolvedConfigBindsBackEqual) {
  for (const Sample& sample : samples()) {
    SCOPED_TRACE(sample.yaml);
    Model first(one_layer(sample.yaml));
    auto text = [](Model& model) {
      return to_yaml(to_node([&](schema::FieldVisitor& v) { describe(v, model.options, model.layers); }));
    };
    std::string yaml = text(first);
    Model second(yaml);
    EXPECT_EQ(second.diagnostics.render(), "") << yaml;
    EXPECT_EQ(text(second), yaml);
  }
}

TEST(LayersTest, EmbeddingTakesIndices) {
  auto stack = Model(one_layer("{type: Embedding, num_embeddings: 10, embedding_dim: 3}")).build();
  EXPECT_EQ(stack->forward(torch::zeros({2, 5}, torch::kLong)).sizes(), torch::IntArrayRef({2, 5, 3}));
}

TEST(LayersTest, OptionsReachTheModule) {
  auto stack = Model(one_layer("{type: LSTM, input_size: 3, hidden_size: 4, num_layers: 2, dropout: 0.5}")).build();
  auto lstm = std::dynamic_pointer_cast<torch::nn::LSTMImpl>(stack->children().at(0));
  ASSERT_TRUE(lstm);
  EXPECT_EQ(lstm->options.num_layers(), 2);
  EXPECT_TRUE(lstm->options.batch_first());
  EXPECT_DOUBLE_EQ(lstm->options.dropout(), 0.5);
}

TEST(LayersTest, ParametersAreNamedAsSequentialNamesThem) {
  auto stack = Model(
                   "layers:\n  - {type: Linear, in_features: 2, out_features: 2}\n  - ReLU\n"
                   "  - {type: Linear, in_features: 2, out_features: 1, name: head}\n")
                   .build();
  EXPECT_THAT(stack->named_parameters().keys(), testing::ElementsAre("0.weight", "0.bias", "head.weight", "head.bias"));
}

TEST(LayersTest, AModelIsTheSameAsTheLayersWrittenOut) {
  torch::manual_seed(1);
  auto stack = Model("layers: [{type: Linear, in_features: 4, out_features: 3}, ReLU]\n").build();
  torch::manual_seed(1);
  torch::nn::Linear linear(4, 3);
  torch::Tensor input = torch::randn({5, 4});
  EXPECT_TRUE(torch::equal(stack->forward(input), linear->forward(input).relu()));
}

TEST(LayersTest, AShapeThatDoesNotFitNamesTheLayerAndItsPlace) {
  auto stack = Model(
                   "layers:\n  - {type: Linear, in_features: 4, out_features: 3}\n  - ReLU\n"
                   "  - {type: Residual, name: block, layers: [{type: Linear, in_features: 5, out_features: 3}]}\n")
                   .build();
  try {
    stack->forward(torch::zeros({2, 4}));
    FAIL() << "a shape that does not fit was taken";
  } catch (const c10::Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("in layer block (Residual, x.yaml:4:12)"));
    EXPECT_THAT(error.what(), HasSubstr("in layer 0 (Linear, x.yaml:4:51)"));
  }
}

TEST(LayersTest, ImpossibleOptionsAreFoundBeforeAnythingRuns) {
  Model model(
      "layers:\n"
      "  - {type: Conv2d, in_channels: 3, out_channels: 4, kernel_size: 3, groups: 2}\n"
      "  - {type: Conv2d, in_channels: 4, out_channels: 4, kernel_size: 3, stride: 2, padding: same}\n"
      "  - {type: GroupNorm, num_groups: 3, num_channels: 4}\n"
      "  - {type: MaxPool2d, kernel_size: 2, padding: 2}\n"
      "  - {type: MultiheadAttention, embed_dim: 5, num_heads: 2}\n"
      "  - {type: Dropout, p: 1.5}\n"
      "  - {type: GELU, approximate: tan}\n");
  std::string errors = model.diagnostics.render();
  EXPECT_THAT(errors,
              HasSubstr("x.yaml:2:77: layers.0: in_channels (3) and out_channels (4) must be multiples of groups (2)"));
  EXPECT_THAT(errors, HasSubstr("x.yaml:3:89: layers.1: padding 'same' takes no stride other than 1"));
  EXPECT_THAT(errors, HasSubstr("layers.2: num_channels (4) must be a multiple of num_groups (3)"));
  EXPECT_THAT(errors, HasSubstr("layers.3: padding must be at most half of kernel_size"));
  EXPECT_THAT(errors, HasSubstr("layers.4: embed_dim (5) must be a multiple of num_heads (2)"));
  EXPECT_THAT(errors, HasSubstr("layers.5.p: expected a number >= 0 and <= 1, got 1.5"));
  EXPECT_THAT(errors,
              HasSubstr("layers.6.approximate: expected one of 'none' or 'tanh', got 'tan'; did you mean 'tanh'?"));
}

TEST(LayersTest, LayersAreDescribedForTheReference) {
  schema::LayerRegistry layers("layer");
  schema::register_layers(layers);
  for (const schema::ComponentType& type : layers.types()) EXPECT_THAT(reference(type), HasSubstr(type.name + ": "));
  EXPECT_GE(layers.types().size(), 70u);
}

}  // namespace
}  // namespace remote::config
