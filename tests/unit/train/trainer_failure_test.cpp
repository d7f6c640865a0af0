#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <remote/device/error.h>
#include <remote/train/files.h>
#include <remote/train/safetensors.h>

#include "tests/unit/train/small_run.h"

namespace remote::train {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::string fault_of(SmallRun& run) {
  try {
    run.run();
    return "nothing";
  } catch (const Error& error) {
    return error.status().message();
  }
}

/// The first step that sees an example, of the run's first epoch.
int64_t step_of(const SmallRun& run, int64_t example) {
  const auto sampler = data::BatchSampler::for_training(*run.train_data, run.options.batches, run.options.seed);
  for (int64_t step = 0; step < sampler.batches_per_epoch(); ++step) {
    const auto batch = sampler.batch(step);
    if (std::find(batch.begin(), batch.end(), example) != batch.end()) return step + 1;
  }
  return 0;
}

/// An example of a step of the first epoch.
int64_t example_of_step(int64_t step, const SmallRun& run) {
  for (int64_t example = 0; example < run.train_data->size(); ++example) {
    if (step_of(run, example) == step) return example;
  }
  return 0;
}

TEST(TrainerFailureTest, ABadLossEndsTheRunAtItsStep) {
  SmallRun run;
  run.train_data->spoil(example_of_step(3, run));
  EXPECT_THAT(fault_of(run),
              AllOf(HasSubstr("the loss of step 3 is not a finite number"), HasSubstr("after step 2 of 12")));
  EXPECT_EQ(run.witness.results.at(0).status, RunStatus::kFailed);
  EXPECT_THAT(read_file(run.folder.path() / "summary.json"), HasSubstr("\"status\": \"failed\""));
}

TEST(TrainerFailureTest, ABadLossThatIsSeldomLoggedIsStillFoundByItsStep) {
  SmallRun run;
  run.options.trainer.log_every_steps = 1000;
  run.train_data->spoil(example_of_step(3, run));
  EXPECT_THAT(fault_of(run), HasSubstr("the loss of step 3 is not a finite number"));
}

/// Runs into a bad loss at step 3, which is found some steps later; and the same run stopped after step 2.
struct BadAndStopped {
  explicit BadAndStopped(bool normalises) {
    for (SmallRun* run : {&bad, &stopped}) {
      run->normalises = normalises;
      run->options.trainer.log_every_steps = 1000;
    }
    bad.train_data->spoil(example_of_step(3, bad));
    stopped.witness.stop_after = 2;
    stopped.run();
    fault = fault_of(bad);
  }
  SmallRun bad, stopped;
  std::string fault;
};

TEST(TrainerFailureTest, ABadLossLeavesTheParametersAsTheyWereBefore) {
  BadAndStopped runs(true);
  const auto parameters = runs.bad.model->named_parameters();
  for (const auto& item : runs.stopped.model->named_parameters()) {
    EXPECT_TRUE(parameters[item.key()].equal(item.value())) << item.key();
  }
}

TEST(TrainerFailureTest, WeightsFromBeforeABadLossAreSaved) {
  BadAndStopped runs(false);
  EXPECT_THAT(runs.fault, AllOf(HasSubstr("the loss of step 3 is not a finite number"),
                                HasSubstr("the weights from before it"), Not(HasSubstr("--resume"))));
  for (const char* file : {"model.safetensors", "train_state.safetensors"}) {
    const auto path = std::filesystem::path("checkpoints") / "last" / file;
    const Safetensors bad = read_safetensors(runs.bad.folder.path() / path);
    const Safetensors stopped = read_safetensors(runs.stopped.folder.path() / path);
    ASSERT_EQ(bad.tensors.size(), stopped.tensors.size());
    for (size_t i = 0; i < bad.tensors.size(); ++i) {
      if (bad.tensors[i].name == "rng") continue;
      EXPECT_TRUE(bad.tensors[i].tensor.equal(stopped.tensors[i].tensor)) << bad.tensors[i].name;
    }
  }
}

TEST(TrainerFailureTest, ACheckpointFromLongBeforeABadLossIsKept) {
  SmallRun run;
  run.options.checkpoint.every_steps = 2;
  run.train_data->spoil(example_of_step(4, run));
  EXPECT_THAT(fault_of(run), AllOf(HasSubstr("the loss of step 4 is not a finite number"),
                                   HasSubstr("of step 2: continue with --resume")));
  EXPECT_EQ(run.witness.checkpoints, std::vector<int64_t>{2});
}

TEST(TrainerFailureTest, ABatchNormThatHasSeenTheBadBatchIsNotSaved) {
  EXPECT_THAT(BadAndStopped(true).fault, HasSubstr("there is no checkpoint yet"));
}

TEST(TrainerFailureTest, AGuardThatIsOffLetsTheRunGoOn) {
  SmallRun run;
  run.options.trainer.nan_guard = false;
  run.train_data->spoil(0);
  EXPECT_EQ(run.run().status, RunStatus::kCompleted);
}

TEST(TrainerFailureTest, AnErrorSaysWhereTheLastCheckpointIs) {
  class Failing final : public RunObserver {
    void on_step(int64_t step) override {
      if (step == 6) throw_error(StatusCode::kUnavailable, "the worker box:7070 is gone");
    }
  };
  SmallRun run;
  Failing failing;
  seed_rng(at::kCPU, 1);
  auto model = std::make_shared<SmallModel>();
  TrainerParts parts{model, make_task(CrossEntropyLossOptions(), data::Purpose::kClassification),
                     make_optimizer(run.optimizer, *model), make_schedule(ConstantScheduleOptions(), {0.1, 12, 4}),
                     {run.train_data, run.val_data, data::Purpose::kClassification, 2, {}}};
  Trainer trainer(std::move(parts), run.options, RunFolder{run.folder.path()}, {&failing});
  try {
    trainer.run(run.witness.stop);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), StatusCode::kUnavailable);
    const std::string folder = run.folder.path().string();
    EXPECT_EQ(error.status().message(),
              "the worker box:7070 is gone (the run ended after step 6 of 12; the last checkpoint is " + folder +
                  "/checkpoints/last, of step 4: continue with --resume " + folder + ")");
  }
}

TEST(TrainerFailureTest, AFolderThatCanNotBeWrittenIsKnownBeforeTheFirstStep) {
  SmallRun run;
  std::filesystem::create_directory(run.folder.path() / "metrics.jsonl");
  EXPECT_THAT(fault_of(run), HasSubstr("metrics.jsonl"));
  EXPECT_TRUE(run.witness.steps.empty());
}

}  // namespace
}  // namespace remote::train
