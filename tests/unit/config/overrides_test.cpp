#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/config/sample_options.h"

namespace remote::config {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* kYaml =
    "optimizer: {type: AdamW, lr: 0.5}\nlayers:\n  - {type: Linear, width: 1}\n  - BatchNorm2d\n";

TEST(OverridesTest, SetValuesAsYamlAndTheLastOneWins) {
  Bound bound(kYaml, {"seed=3", "trainer.shuffle=false", "layers.0.width=9", "seed=4", "trainer.milestones=[1, 2]",
                      "trainer.path='7'"});
  EXPECT_EQ(bound.errors(), "");
  EXPECT_EQ(bound.options.seed, 4);
  EXPECT_FALSE(bound.options.trainer.shuffle);
  EXPECT_EQ(schema::options_of<SampleLayer>(bound.options.layers[0]).width, 9);
  EXPECT_EQ(bound.options.trainer.milestones, (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(bound.options.trainer.path, "7");
}

TEST(OverridesTest, ReplaceWholeComponentsAndListElements) {
  Bound bound(kYaml, {"optimizer={type: SGD, lr: 0.25}", "layers[1]={type: Linear, width: 4}", "scheduler=StepLR"});
  EXPECT_EQ(bound.errors(), "");
  EXPECT_EQ(bound.options.optimizer.type->name, "SGD");
  EXPECT_EQ(bound.options.layers[1].type->name, "Linear");
  EXPECT_TRUE(bound.options.scheduler);
}

TEST(OverridesTest, AnOptionTurnsABareNameIntoASection) {
  Bound bound("optimizer: SGD\n", {"optimizer.momentum=0.9"});
  EXPECT_EQ(bound.errors(), "");
  EXPECT_DOUBLE_EQ(schema::options_of<SampleSgd>(bound.options.optimizer).momentum, 0.9);
}

TEST(OverridesTest, ATildeRemoves) {
  Bound bound("optimizer: {type: AdamW, lr: 0.5}\nscheduler: StepLR\n", {"~scheduler", "~optimizer.lr"});
  EXPECT_EQ(bound.errors(), "");
  EXPECT_FALSE(bound.options.scheduler);
  EXPECT_DOUBLE_EQ(schema::options_of<SampleOptimizer>(bound.options.optimizer).lr, 0.001);
}

TEST(OverridesTest, RemovingWhatIsNotThereIsAMistake) {
  Bound bound("optimizer: {type: AdamW, lr: 0.5}\nscheduler: StepLR\n", {"~schedular", "~optimizer.rate", "~lr.x"});
  EXPECT_THAT(bound.errors(),
              AllOf(HasSubstr("there is no 'schedular' to remove; did you mean 'scheduler'?"),
                    HasSubstr("there is no 'optimizer.rate' to remove"), HasSubstr("there is no 'lr' to remove")));
}

TEST(OverridesTest, ErrorsPointAtTheArgument) {
  Bound bound(kYaml, {"optimizer.lr=abc", "optimizer.lrr=1", "trainer.epoch=2"});
  EXPECT_THAT(bound.errors(),
              StartsWith("command line: optimizer.lr=abc: optimizer.lr: expected a number > 0, got 'abc'\n"));
  EXPECT_THAT(bound.errors(),
              HasSubstr("command line: optimizer.lrr=1: unknown key 'lrr' in optimizer AdamW; did you mean "
                        "'lr'?\n"));
  EXPECT_THAT(bound.errors(), HasSubstr("did you mean 'epochs'?\n"));
}

TEST(OverridesTest, RefusePathsThatLeadNowhere) {
  Bound bound(kYaml, {"layers.7.width=1", "layers.x.width=1", "=3", "optimizer..lr=1", "seed=[1"});
  EXPECT_THAT(bound.errors(), HasSubstr("'layers' is a list of 2; expected a number from 0 to 1, got '7'"));
  EXPECT_THAT(bound.errors(), HasSubstr("got 'x'"));
  EXPECT_THAT(bound.errors(), HasSubstr("command line: =3: the name before '=' has an empty part"));
  EXPECT_THAT(bound.errors(), HasSubstr("command line: optimizer..lr=1: the name before '=' has an empty part"));
  EXPECT_THAT(bound.errors(), HasSubstr("command line: seed=[1: the value is no YAML"));
}

TEST(OverridesTest, AnOptionOfTheOldTypeIsAnErrorWhereItStands) {
  Bound bound("optimizer: {type: SGD, momentum: 0.5}\n", {"optimizer.type=AdamW"});
  EXPECT_THAT(bound.errors(),
              StartsWith("x.yaml:1:24: unknown key 'momentum' in optimizer AdamW; it is a key of SGD\n"));
}

}  // namespace
}  // namespace remote::config
