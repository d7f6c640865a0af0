#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <remote/device/error.h>
#include <remote/train/files.h>
#include <remote/train/state_dict.h>

#include "tests/unit/train/small_run.h"

namespace remote::train {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string model_bytes(const SmallRun& run) {
  return read_file(run.folder.path() / "checkpoints" / "last" / "model.safetensors");
}
std::string state_bytes(const SmallRun& run) {
  return read_file(run.folder.path() / "checkpoints" / "last" / "train_state.safetensors");
}
std::string log_text(const SmallRun& run) { return read_file(run.folder.path() / "metrics.jsonl"); }

TEST(TrainerTest, LearnsAndLeavesAWholeRunFolder) {
  SmallRun run;
  run.options.trainer.epochs = 20;
  const RunResult result = run.run();
  EXPECT_EQ(result.status, RunStatus::kCompleted);
  EXPECT_EQ(result.steps, 80);
  EXPECT_GT(*find_metric(result.metrics, "val/accuracy"), 0.9);
  EXPECT_EQ(result.best->metric, "val/accuracy");
  for (const char* file : {"metrics.jsonl", "summary.json", "checkpoints/last/model.safetensors",
                           "checkpoints/last/train_state.safetensors", "checkpoints/last/train_state.json",
                           "checkpoints/best/model.safetensors"}) {
    EXPECT_TRUE(fs::is_regular_file(run.folder.path() / file)) << file;
  }
}

TEST(TrainerTest, EachStepIsLoggedOnceAndEachEpochIsValidated) {
  SmallRun run;
  run.run();
  std::vector<int64_t> training, validation;
  for (const MetricRecord& record : run.witness.records) {
    (find_metric(record.values, "val/loss") ? validation : training).push_back(record.step);
  }
  EXPECT_THAT(training, ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12));
  EXPECT_THAT(validation, ElementsAre(4, 8, 12));
  EXPECT_EQ(run.witness.checkpoints.back(), 12);
}

TEST(TrainerTest, TheSameSeedIsTheSameRunAndAnotherIsAnother) {
  SmallRun a, b, c;
  c.options.seed = 8;
  a.run(), b.run(), c.run();
  EXPECT_EQ(model_bytes(a), model_bytes(b));
  EXPECT_EQ(log_text(a), log_text(b));
  EXPECT_NE(model_bytes(a), model_bytes(c));
}

// Stops between two validations, at one, and before an epoch's incomplete last batch.
class ResumeTest : public ::testing::TestWithParam<int64_t> {};

TEST_P(ResumeTest, ContinuingIsBitForBitTheRunThatNeverStopped) {
  SmallRun straight, stopped;
  straight.run();
  stopped.witness.stop_after = GetParam();
  const RunResult half = stopped.run();
  EXPECT_EQ(half.status, RunStatus::kStopped);
  EXPECT_EQ(half.steps, GetParam());
  const RunResult whole = stopped.resume();
  EXPECT_EQ(whole.status, RunStatus::kCompleted);
  EXPECT_EQ(model_bytes(stopped), model_bytes(straight));
  EXPECT_EQ(state_bytes(stopped), state_bytes(straight));
  EXPECT_EQ(log_text(stopped), log_text(straight));
}

INSTANTIATE_TEST_SUITE_P(AtStep, ResumeTest, ::testing::Values(1, 3, 4, 6, 8, 11));

TEST(TrainerTest, ResumingAfterAKillGoesBackToTheCheckpoint) {
  SmallRun straight, killed;
  straight.run();
  killed.witness.stop_after = 6;
  killed.run();
  // What a run killed three steps later would have left beside.
  std::FILE* log = std::fopen((killed.folder.path() / "metrics.jsonl").c_str(), "a");
  std::fputs("{\"step\":7,\"epoch\":2,\"train/loss\":9}\n{\"step\":8", log);
  std::fclose(log);
  killed.resume();
  EXPECT_EQ(log_text(killed), log_text(straight));
  EXPECT_EQ(model_bytes(killed), model_bytes(straight));
}

TEST(TrainerTest, AFinishedRunGoesOnWhenItIsMadeLonger) {
  SmallRun run;
  run.run();
  run.options.trainer.epochs = 4;
  EXPECT_EQ(run.resume().steps, 16);
  EXPECT_EQ(run.witness.steps.back(), 16);
}

TEST(TrainerTest, AnotherOrderOfDataIsNotResumed) {
  SmallRun run;
  run.run();
  run.options.batches.batch_size = 8;
  try {
    run.resume();
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("data.batch_size was 16 and is now 8"));
  }
}

TEST(TrainerTest, MaxStepsEndsWithinAnEpochAndIsValidated) {
  SmallRun run;
  run.options.trainer.epochs.reset();
  run.options.trainer.max_steps = 5;
  const RunResult result = run.run();
  EXPECT_EQ(result.steps, 5);
  EXPECT_TRUE(find_metric(result.metrics, "val/accuracy"));
  EXPECT_EQ(run.witness.checkpoints.back(), 5);
}

TEST(TrainerTest, TheBestCheckpointIsThatOfTheMonitoredFigure) {
  SmallRun run;
  run.options.trainer.monitor = "val/loss";
  run.options.trainer.monitor_mode = MonitorMode::kMax;
  const RunResult result = run.run();
  double largest = 0;
  for (const MetricRecord& record : run.witness.records) {
    if (const double* loss = find_metric(record.values, "val/loss")) largest = std::max(largest, *loss);
  }
  EXPECT_EQ(result.best->value, largest);
  EXPECT_EQ(read_checkpoint(run.folder.path() / "checkpoints" / "best").state.step, result.best->step);
}

TEST(TrainerTest, ASmokeRunIsShortAndChecksItsCheckpoint) {
  SmallRun run;
  run.options.trainer.epochs = 1000;
  shrink_to_smoke_run(run.options);
  const RunResult result = run.run();
  EXPECT_EQ(result.steps, 4);
  EXPECT_TRUE(find_metric(result.metrics, "val/accuracy"));
  EXPECT_FALSE(run.witness.checkpoints.empty());
}

TEST(TrainerTest, OptionsThatDoNotFitAreRefused) {
  SmallRun unknown;
  unknown.options.trainer.monitor = "val/acuracy";
  EXPECT_THROW(unknown.trainer(), Error);
  SmallRun both;
  both.options.trainer.max_steps = 5;
  EXPECT_THROW(both.trainer(), Error);
}

}  // namespace
}  // namespace remote::train
