#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include <remote/device/error.h>
#include <remote/train/files.h>
#include <remote/train/run.h>

#include "tests/support/temporary_folder.h"

namespace remote::train {
namespace {

TEST(SummaryTest, HasTheFinalFiguresUnderMetrics) {
  remote::test::TemporaryFolder folder;
  RunResult result;
  result.steps = 30;
  result.steps_per_epoch = 20;
  result.device = "remote:0";
  result.seconds = 2.5;
  result.metrics = {{"val/accuracy", 0.875}, {"val/loss", std::nan("")}};
  result.best = BestResult{"val/accuracy", 0.9, 20};
  write_summary(folder.path() / "summary.json", result);
  const auto json = nlohmann::json::parse(read_file(folder.path() / "summary.json"));
  EXPECT_EQ(json["status"], "completed");
  EXPECT_EQ(json["epochs"], 1.5);
  EXPECT_EQ(json["device"], "remote:0");
  EXPECT_EQ(json["seconds"], 2.5);
  EXPECT_EQ(json["metrics"]["val/accuracy"], 0.875);
  EXPECT_TRUE(json["metrics"]["val/loss"].is_null());
  EXPECT_EQ(json["best"]["step"], 20);
  EXPECT_TRUE(json["error"].is_null());
}

TEST(SummaryTest, AFailureHasItsErrorWhateverItsBytes) {
  remote::test::TemporaryFolder folder;
  RunResult result;
  result.status = RunStatus::kFailed;
  result.error = "a \xff b";
  write_summary(folder.path() / "summary.json", result);
  const auto json = nlohmann::json::parse(read_file(folder.path() / "summary.json"));
  EXPECT_EQ(json["status"], "failed");
  EXPECT_EQ(json["error"], "a \xef\xbf\xbd b");
}

TEST(TrainStateTest, ComesBackAsItWas) {
  TrainState state;
  state.step = 7;
  state.validated_step = 5;
  state.seed = UINT64_MAX;
  state.best = BestResult{"val/loss", 0.1, 5};
  state.metrics = {{"train/loss", 1.0 / 3}, {"val/loss", std::nan("")}};
  const TrainState back = parse_train_state(format_train_state(state), "x");
  EXPECT_EQ(back.step, 7);
  EXPECT_EQ(back.validated_step, 5);
  EXPECT_EQ(back.seed, UINT64_MAX);
  EXPECT_EQ(back.best->value, 0.1);
  EXPECT_EQ(back.metrics, (MetricValues{{"train/loss", 1.0 / 3}}));
}

TEST(TrainStateTest, WhatIsNoneIsRefusedWithItsSource) {
  for (const char* text : {"", "{", "[]", "{\"format_version\": 2}", "{\"format_version\": 1}"}) {
    try {
      parse_train_state(text, "train_state.json");
      FAIL() << text;
    } catch (const Error& error) {
      EXPECT_NE(error.status().message().find("train_state.json"), std::string::npos) << error.status().message();
    }
  }
}

}  // namespace
}  // namespace remote::train
