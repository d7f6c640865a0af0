#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <csignal>
#include <fstream>

#include "apps/common/command_line.h"
#include "apps/common/exit_code.h"
#include "apps/common/guarded_main.h"
#include "apps/common/requirement.h"
#include "apps/common/run_folder.h"
#include "apps/common/signals.h"

namespace remote::app {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(RequirementTest, ReadsEveryOperator) {
  using Operator = Requirement::Operator;
  const std::pair<const char*, Operator> cases[] = {{"val/accuracy>=0.85", Operator::kGreaterEqual},
                                                    {"a>0.85", Operator::kGreater},
                                                    {"a<=0.85", Operator::kLessEqual},
                                                    {"a<0.85", Operator::kLess},
                                                    {"a==0.85", Operator::kEqual},
                                                    {"a=0.85", Operator::kEqual},
                                                    {"a!=0.85", Operator::kNotEqual},
                                                    {" val/loss <= 8.5e-1 ", Operator::kLessEqual}};
  for (const auto& [text, op] : cases) {
    Requirement requirement = parse_requirement(text);
    EXPECT_EQ(requirement.op, op) << text;
    EXPECT_DOUBLE_EQ(requirement.bound, 0.85) << text;
  }
  EXPECT_EQ(parse_requirement(" val/loss <= 2").metric, "val/loss");
}

TEST(RequirementTest, RefusesWhatIsNoCondition) {
  for (const char* text : {"", "val/accuracy", ">=0.5", "a>=", "a>=x", "a=>0.5", "a>=0.5x", "a!0.5", "a>=.nan"}) {
    EXPECT_THROW(parse_requirement(text), std::invalid_argument) << text;
  }
}

TEST(RequirementTest, SaysWhatWasMissed) {
  auto check = [](const char* text) {
    return missed({parse_requirement(text)}, {{"val/accuracy", 0.84}, {"val/loss", std::nan("")}});
  };
  EXPECT_THAT(check("val/accuracy>=0.84"), IsEmpty());
  EXPECT_THAT(check("val/accuracy>0.84"), ElementsAre("required val/accuracy>0.84, got 0.84"));
  EXPECT_THAT(check("val/loss<9"), ElementsAre("required val/loss<9, got nan"));
  EXPECT_THAT(check("val/loss!=9"), ElementsAre("required val/loss!=9, got nan"));
  EXPECT_THAT(check("val/acc>0.5"), ElementsAre(HasSubstr("no figure 'val/acc'; it has val/accuracy and val/loss")));
}

std::optional<int> parse(std::vector<const char*> words, TrainArguments& arguments) {
  words.insert(words.begin(), "rt-train");
  return parse_command_line(static_cast<int>(words.size()), words.data(), arguments);
}

TEST(CommandLineTest, ReadsFlagsAndOverridesInAnyOrder) {
  TrainArguments a;
  EXPECT_EQ(parse({"trainer.epochs=1", "--config", "x.yaml", "--require", "val/accuracy>=0.5", "optimizer.lr=0.1",
                   "--require", "val/loss<2", "--worker", "unix:/w", "--smoke", "~scheduler", "--threads", "2"},
                  a),
            std::nullopt);
  EXPECT_EQ(a.config, "x.yaml");
  EXPECT_EQ(a.worker, "unix:/w");
  EXPECT_TRUE(a.smoke);
  EXPECT_EQ(a.threads, 2);
  EXPECT_THAT(a.require, ElementsAre("val/accuracy>=0.5", "val/loss<2"));
  EXPECT_THAT(a.overrides, ElementsAre("trainer.epochs=1", "optimizer.lr=0.1", "~scheduler"));
}

TEST(CommandLineTest, MistakesEndWithTwoAndOneSentence) {
  const std::pair<std::vector<const char*>, const char*> cases[] = {
      {{}, "expected --config FILE (or --resume DIR)"},
      {{"--config"}, "--config"},
      {{"--config", "x.yaml", "--smok"}, "--smok"},
      {{"x.yaml"}, "expected --config FILE"},
      {{"--config", "x.yaml", "y.yaml"}, "did you mean --config y.yaml?"},
      {{"--config", "x.yaml", "--threads", "many"}, "--threads"},
      {{"--config", "x.yaml", "--threads", "0"}, "--threads"},
      {{"--config", "x.yaml", "--require", "val/accuracy"}, "expected a condition"},
      {{"--resume", "r", "--output", "o"}, "leave --output out"},
      {{"--resume", "r", "--smoke"}, "leave --resume out"}};
  for (const auto& [words, message] : cases) {
    TrainArguments arguments;
    testing::internal::CaptureStderr();
    EXPECT_EQ(parse(words, arguments), kExitUsage) << message;
    std::string text = testing::internal::GetCapturedStderr();
    EXPECT_THAT(text, HasSubstr(message));
    EXPECT_THAT(text, HasSubstr("Try 'rt-train --help'."));
  }
}

TEST(CommandLineTest, HelpAndVersionEndWithZero) {
  for (const char* flag : {"--help", "--version"}) {
    TrainArguments arguments;
    testing::internal::CaptureStdout();
    EXPECT_EQ(parse({flag}, arguments), kExitDone);
    EXPECT_THAT(testing::internal::GetCapturedStdout(), HasSubstr("rt-train"));
  }
}

TEST(CommandLineTest, HelpConfigTakesANameOrNone) {
  TrainArguments all;
  EXPECT_EQ(parse({"--help-config"}, all), std::nullopt);
  EXPECT_EQ(all.help_config, "");
  TrainArguments one;
  EXPECT_EQ(parse({"--help-config", "Conv2d"}, one), std::nullopt);
  EXPECT_EQ(one.help_config, "Conv2d");
}

class RunFolderTest : public testing::Test {
 protected:
  RunFolderTest() : before_(fs::current_path()) {
    folder_ = fs::temp_directory_path() / ("remote_run_folder_" + std::to_string(getpid()));
    fs::create_directories(folder_);
    fs::current_path(folder_);
  }
  ~RunFolderTest() override {
    fs::current_path(before_);
    fs::remove_all(folder_);
  }
  fs::path before_;
  fs::path folder_;
};

TEST_F(RunFolderTest, NumbersRunsOfOneConfig) {
  EXPECT_EQ(choose_run_folder("", "mlp"), fs::path("runs/mlp-1"));
  EXPECT_EQ(choose_run_folder("", "mlp"), fs::path("runs/mlp-2"));
  EXPECT_EQ(choose_run_folder("", "cnn"), fs::path("runs/cnn-1"));
}

TEST_F(RunFolderTest, RefusesAFolderThatHoldsARun) {
  EXPECT_EQ(choose_run_folder("a/b", "x"), fs::path("a/b"));
  fs::create_directories("a/b");
  std::ofstream("a/b/config.yaml") << "seed: 1\n";
  EXPECT_THROW(choose_run_folder("a/b", "x"), UsageError);
}

TEST_F(RunFolderTest, FindsTheConfigOfARun) {
  EXPECT_THROW(config_of_run("nowhere"), UsageError);
  fs::create_directory("run");
  std::ofstream("run/config.yaml") << "seed: 1\n";
  EXPECT_EQ(config_of_run("run"), "run/config.yaml");
}

TEST(GuardedMainTest, TurnsExceptionsIntoOneSentenceAndACode) {
  auto run = [](const std::function<int()>& body) {
    testing::internal::CaptureStderr();
    int code = guarded_main("rt-train", body);
    return std::pair(code, testing::internal::GetCapturedStderr());
  };
  EXPECT_EQ(run([] { return 143; }), std::pair(143, std::string()));
  EXPECT_EQ(run([]() -> int { throw UsageError("no such file"); }),
            std::pair(2, std::string("rt-train: no such file\n")));
  EXPECT_EQ(run([]() -> int { throw std::runtime_error("disk full\n"); }),
            std::pair(1, std::string("rt-train: disk full\n")));
  EXPECT_EQ(run([]() -> int { throw 3; }).first, 1);
}

TEST(SignalsTest, TheFirstSignalAsksAndTheSecondEnds) {
  EXPECT_EXIT(
      {
        catch_signals();
        std::raise(SIGTERM);
        if (stop_signal() != SIGTERM) std::exit(9);
        std::raise(SIGTERM);
        std::exit(8);
      },
      testing::KilledBySignal(SIGTERM), "");
}

}  // namespace
}  // namespace remote::app
