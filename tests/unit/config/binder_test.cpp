#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/config/sample_options.h"

namespace remote::config {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST(BinderTest, FillsEveryKindOfField) {
  Bound bound(R"(
seed: 7
optimizer: {type: adamw, lr: 3.0e-4, betas: [0.8, 0.99], mode: tanh}
scheduler: StepLR
layers:
  - {type: Linear, width: 3, name: first, kernel: [2, 4]}
  - type: batch_norm2d
    layers: [{type: linear, width: 1, kernel: same}]
trainer: {epochs: 2, shuffle: false, path: "12", milestones: [1, 2], sign: minus, port: 443}
)");
  EXPECT_EQ(bound.errors(), "");
  EXPECT_EQ(bound.options.seed, 7);
  EXPECT_EQ(bound.options.optimizer.type->name, "AdamW");
  const auto& adamw = schema::options_of<SampleOptimizer>(bound.options.optimizer);
  EXPECT_DOUBLE_EQ(adamw.lr, 3e-4);
  EXPECT_EQ(adamw.betas, (std::array<double, 2>{0.8, 0.99}));
  EXPECT_EQ(adamw.mode, "tanh");
  EXPECT_EQ(bound.options.scheduler.type->name, "StepLR");
  ASSERT_EQ(bound.options.layers.size(), 2u);
  EXPECT_EQ(bound.options.layers[0].name, "first");
  EXPECT_EQ(bound.options.layers[0].where, "x.yaml:6:12");
  EXPECT_EQ(schema::options_of<SampleLayer>(bound.options.layers[0]).kernel.values, (std::vector<int64_t>{2, 4}));
  const auto& group = schema::options_of<SampleGroup>(bound.options.layers[1]);
  EXPECT_EQ(schema::options_of<SampleLayer>(group.layers.at(0)).kernel.word, "same");
  EXPECT_EQ(bound.options.trainer.epochs, 2);
  EXPECT_FALSE(bound.options.trainer.max_steps.has_value());
  EXPECT_FALSE(bound.options.trainer.shuffle);
  EXPECT_EQ(bound.options.trainer.path, "12");
  EXPECT_EQ(bound.options.trainer.sign, Sign::kMinus);
  EXPECT_EQ(bound.options.trainer.port, 443);
}

TEST(BinderTest, LeavesDefaultsWhereNothingIsSaid) {
  Bound bound("optimizer: SGD\n");
  EXPECT_EQ(bound.errors(), "");
  EXPECT_DOUBLE_EQ(schema::options_of<SampleSgd>(bound.options.optimizer).lr, 0.1);
  EXPECT_TRUE(bound.options.trainer.shuffle);
  EXPECT_FALSE(bound.options.scheduler);
}

TEST(BinderTest, TellsEveryProblemAtOnceInFileOrder) {
  Bound bound("seed: -1\noptimizer: {type: AdamW, lr: fast}\ntrainer:\n  epoch: 2\n  shuffle: 3\n");
  std::string errors = bound.errors();
  EXPECT_THAT(errors, HasSubstr("x.yaml:1:7: seed: expected a whole number >= 0, got -1\n"));
  EXPECT_THAT(errors, HasSubstr("x.yaml:2:30: optimizer.lr: expected a number > 0, got 'fast'\n"));
  EXPECT_THAT(errors, HasSubstr("x.yaml:4:3: unknown key 'epoch' in section 'trainer'; did you mean 'epochs'?\n"));
  EXPECT_THAT(errors, HasSubstr("x.yaml:5:12: trainer.shuffle: expected true or false, got '3'\n"));
  EXPECT_THAT(errors, HasSubstr("4 problems in the configuration; nothing was run\n"));
  EXPECT_LT(errors.find("seed:"), errors.find("optimizer.lr"));
}

TEST(BinderTest, ShowsTheLineWithACaretUnderThePlace) {
  Bound bound("# größe\noptimizer: {type: AdamW, lr: fast}\n");
  EXPECT_EQ(bound.errors(),
            "x.yaml:2:30: optimizer.lr: expected a number > 0, got 'fast'\n"
            "  2 | optimizer: {type: AdamW, lr: fast}\n"
            "    |                              ^^^^\n");
}

TEST(BinderTest, CountsColumnsInCharacters) {
  Bound bound("optimizer: SGD\ntrainer: {path: \"größe\", epochs: x}\n");
  EXPECT_THAT(bound.errors(), StartsWith("x.yaml:2:34: trainer.epochs:"));
}

TEST(BinderTest, SuggestsTheNameThatAnotherToolUses) {
  Bound bound("optimizer: {type: AdamW, learning_rate: 0.1}\n");
  EXPECT_THAT(bound.errors(), HasSubstr("unknown key 'learning_rate' in optimizer AdamW; did you mean 'lr'?"));
}

TEST(BinderTest, SuggestsTheSpellingWithUnderscores) {
  Bound bound("optimizer: SGD\ntrainer: {max-steps: 3}\n");
  EXPECT_THAT(bound.errors(), HasSubstr("did you mean 'max_steps'?"));
}

TEST(BinderTest, SaysWhereAKeyBelongs) {
  Bound bound("optimizer: SGD\nepochs: 3\ntrainer: {seed: 3}\n");
  EXPECT_THAT(bound.errors(), HasSubstr("unknown key 'epochs' in the top level; it belongs under 'trainer'"));
  EXPECT_THAT(bound.errors(), HasSubstr("unknown key 'seed' in section 'trainer'; it belongs under the top level"));
}

TEST(BinderTest, SaysWhichComponentHasAKey) {
  Bound bound("optimizer: {type: AdamW, momentum: 0.9}\n");
  EXPECT_THAT(bound.errors(), HasSubstr("unknown key 'momentum' in optimizer AdamW; it is a key of SGD"));
}

TEST(BinderTest, ListsTheKeysWhereNothingIsNear) {
  Bound bound("optimizer: {type: SGD, zzzzzz: 0.9}\n");
  EXPECT_THAT(bound.errors(), HasSubstr("its keys are type, lr and momentum"));
}

TEST(BinderTest, SuggestsTheNearestComponent) {
  Bound bound("optimizer: {type: Adamm}\nlayers: [Linaer, Conv9d]\n");
  EXPECT_THAT(bound.errors(), HasSubstr("optimizer: there is no optimizer 'Adamm'; did you mean 'AdamW'?"));
  EXPECT_THAT(bound.errors(), HasSubstr("layers.0: there is no layer 'Linaer'; did you mean 'Linear'?"));
  EXPECT_THAT(bound.errors(), HasSubstr("layers.1: there is no layer 'Conv9d'; there are Linear and BatchNorm2d"));
}

TEST(BinderTest, PointsAtTheSectionThatLacksARequiredKey) {
  Bound bound("optimizer: SGD\nlayers:\n  - {type: Linear, p: 0.5}\n");
  EXPECT_THAT(bound.errors(),
              StartsWith("x.yaml:3:12: missing key 'width' in layer Linear: expected a whole number >= 1"));
}

TEST(BinderTest, NamesTheComponentsWhereOneIsMissing) {
  Bound bound("seed: 1\n");
  EXPECT_THAT(bound.errors(), HasSubstr("missing key 'optimizer' in the top level: expected `optimizer: {type: ...}` "
                                        "with one of AdamW or SGD"));
  Bound typeless("optimizer: {lr: 0.1}\n");
  EXPECT_THAT(typeless.errors(), HasSubstr("optimizer: missing key 'type', which names the optimizer: AdamW or SGD"));
}

TEST(BinderTest, AnEmptyFileLacksWhatIsRequired) {
  EXPECT_THAT(Bound("").errors(), HasSubstr("missing key 'optimizer'"));
}

TEST(BinderTest, ChecksCombinationsOnlyOfValuesThatCouldBeRead) {
  Bound both("optimizer: SGD\ntrainer: {epochs: 1, max_steps: 2}\n");
  EXPECT_THAT(both.errors(), StartsWith("x.yaml:2:33: trainer: epochs and max_steps exclude each other\n"));
  Bound bad("optimizer: SGD\ntrainer: {epochs: x, max_steps: 2}\n");
  EXPECT_THAT(bad.errors(), Not(HasSubstr("exclude")));
}

TEST(BinderTest, ASyntaxErrorHidesNoOtherMistakeAndInventsNone) {
  Bound bound("seeed: 1\ntrainer: {shuffle: maybe}\nlayers: [{type: Linear, width: 1}\noptimizer: SGD\n");
  EXPECT_THAT(bound.errors(), HasSubstr("x.yaml:1:1: unknown key 'seeed' in the top level; did you mean 'seed'?"));
  EXPECT_THAT(bound.errors(), HasSubstr("x.yaml:2:20: trainer.shuffle: expected true or false, got 'maybe'"));
  EXPECT_THAT(bound.errors(), HasSubstr("YAML syntax: "));
  EXPECT_THAT(bound.errors(), HasSubstr("3 problems"));
}

TEST(BinderTest, RefusesNullWhereAValueMustBe) {
  Bound bound("seed:\noptimizer: SGD\ntrainer: {epochs: null, shuffle: ~}\nscheduler: null\n");
  EXPECT_THAT(bound.errors(),
              HasSubstr("x.yaml:1:1: seed: expected a whole number >= 0, got null; leave the key out for "
                        "the default\n"));
  EXPECT_THAT(bound.errors(), HasSubstr("trainer.shuffle: expected true or false, got null"));
  EXPECT_THAT(bound.errors(), Not(HasSubstr("trainer.epochs:")));
}

TEST(BinderTest, SaysWhatToWriteInstead) {
  Bound bound("seed: 1e3\noptimizer: {type: SGD, lr: \"0.1\"}\ntrainer: {shuffle: yes, path: 12, epochs: 1_000}\n");
  EXPECT_THAT(bound.errors(), HasSubstr("got '1e3'; write 1000"));
  EXPECT_THAT(bound.errors(), HasSubstr("got the string \"0.1\"; leave the quotes out"));
  EXPECT_THAT(bound.errors(), HasSubstr("got 'yes'; write true"));
  EXPECT_THAT(bound.errors(), HasSubstr("expected a string, got '12'; put it in quotes if it is meant"));
  EXPECT_THAT(bound.errors(), HasSubstr("got '1_000'; write 1000"));
}

TEST(BinderTest, RefusesListsAndSectionsInPlaceOfEachOther) {
  Bound bound("seed: [1]\noptimizer: [SGD]\ntrainer: 3\nlayers: {type: Linear, width: 1}\n");
  EXPECT_THAT(bound.errors(), HasSubstr("seed: expected a whole number >= 0, got a list"));
  EXPECT_THAT(bound.errors(), HasSubstr("optimizer: expected the name of an optimizer (AdamW or SGD), got a list"));
  EXPECT_THAT(bound.errors(), HasSubstr("trainer: expected a section (key: value), got '3'"));
  EXPECT_THAT(bound.errors(), HasSubstr("layers: expected a list of layers (- type: ...), got a section"));
}

TEST(BinderTest, ChecksTheLengthOfLists) {
  Bound bound("optimizer: {type: AdamW, betas: [0.9]}\nlayers: [{type: Linear, width: 1, kernel: [1, 2, 3]}]\n");
  EXPECT_THAT(bound.errors(), HasSubstr("optimizer.betas: expected a list of 2 values, got 1"));
  EXPECT_THAT(bound.errors(), HasSubstr("layers.0.kernel: expected a list of 2 values, got 3"));
}

TEST(BinderTest, PointsAtTheElementThatIsWrong) {
  Bound bound("optimizer: SGD\ntrainer: {milestones: [1, two]}\n");
  EXPECT_THAT(bound.errors(), StartsWith("x.yaml:2:27: trainer.milestones: expected a whole number, got 'two'\n"));
}

TEST(BinderTest, RefusesNotANumberAndNumbersTooLarge) {
  Bound bound("seed: 99999999999999999999\noptimizer: {type: SGD, lr: .nan}\ntrainer: {port: 70000}\n");
  EXPECT_THAT(bound.errors(), HasSubstr("seed: expected a whole number >= 0, got '99999999999999999999'"));
  EXPECT_THAT(bound.errors(), HasSubstr("optimizer.lr: expected a number > 0, got .nan"));
  EXPECT_THAT(bound.errors(), HasSubstr("trainer.port: expected a whole number >= 0 and <= 65535, got 70000"));
}

TEST(BinderTest, RefusesALayerNameThatIsTakenOrNoName) {
  Bound bound(
      "optimizer: SGD\nlayers: [{type: Linear, width: 1, name: a}, {type: Linear, width: 1, name: a}, "
      "{type: Linear, width: 1, name: a.b}]\n");
  EXPECT_THAT(bound.errors(), HasSubstr("the name 'a' is taken by an earlier Linear"));
  EXPECT_THAT(bound.errors(), HasSubstr("a name holds no '.' and is no number, got 'a.b'"));
}

TEST(BinderTest, ASuggestionForAWordIsMadeFromTheChoices) {
  Bound bound("optimizer: {type: AdamW, mode: tnah}\ntrainer: {sign: minnus}\n");
  EXPECT_THAT(bound.errors(), HasSubstr("expected one of 'none' or 'tanh', got 'tnah'; did you mean 'tanh'?"));
  EXPECT_THAT(bound.errors(), HasSubstr("did you mean 'minus'?"));
}

TEST(WriterTest, TheResolvedConfigBindsToEqualOptions) {
  Bound first(
      "seed: 3\noptimizer: {type: AdamW, lr: 1e-05, betas: [0.5, 0.25]}\nlayers: [{type: Linear, width: 2, "
      "kernel: [1, 2], name: a}, {type: BatchNorm2d, layers: [{type: Linear, width: 1, kernel: same}]}]\n"
      "trainer: {epochs: 2, path: 'a b: #c', milestones: [3]}\n");
  EXPECT_EQ(first.errors(), "");
  std::string yaml = first.yaml();
  Bound second(yaml);
  EXPECT_EQ(second.errors(), "");
  EXPECT_EQ(second.yaml(), yaml);
  EXPECT_THAT(yaml, HasSubstr("lr: 1.0e-05\n"));
  EXPECT_THAT(yaml, HasSubstr("max_steps: null\n"));
  EXPECT_THAT(yaml, HasSubstr("  - {type: Linear, name: a, width: 2, p: 0.5, kernel: [1, 2]}\n"));
  EXPECT_EQ(second.options.trainer.path, "a b: #c");
}

TEST(WriterTest, TheReferenceNamesTypeDefaultAndBounds) {
  SampleRegistries registries;
  std::string text = reference(*registries.optimizers.find("AdamW"));
  EXPECT_THAT(text, HasSubstr("lr: a number > 0 (default 0.001)\n"));
  EXPECT_THAT(text, HasSubstr("betas: a list of 2 values, each a number >= 0 and < 1 (default [0.9, 0.999])\n"));
  EXPECT_THAT(reference(*registries.layers.find("linear")), HasSubstr("width: a whole number >= 1 (required)\n"));
}

TEST(RegistryTest, FindsPyTorchsNameInAnyCaseAndInSnakeCase) {
  SampleRegistries registries;
  for (const char* name : {"BatchNorm2d", "batchnorm2d", "batch_norm2d", "batch_norm_2d", "BATCH-NORM2D"}) {
    ASSERT_NE(registries.layers.find(name), nullptr) << name;
    EXPECT_EQ(registries.layers.find(name)->name, "BatchNorm2d");
  }
  EXPECT_EQ(registries.layers.find("BatchNorm"), nullptr);
}

TEST(RegistryTest, BuildsOnlyItsOwnComponents) {
  SampleRegistries registries;
  EXPECT_EQ(registries.optimizers.build(registries.optimizers.make("SGD")), 2);
  EXPECT_THROW(registries.optimizers.build(registries.layers.make("Linear")), std::invalid_argument);
  EXPECT_THROW(registries.optimizers.build({}), std::invalid_argument);
}

}  // namespace
}  // namespace remote::config
