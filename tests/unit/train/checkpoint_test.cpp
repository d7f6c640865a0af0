#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include <remote/device/error.h>
#include <remote/train/checkpoint.h>
#include <remote/train/run.h>

#include "tests/support/temporary_folder.h"

namespace remote::train {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

Checkpoint checkpoint_of(int64_t step) {
  Checkpoint checkpoint;
  checkpoint.model = {{"weight", at::full({2}, step)}};
  checkpoint.optimizer = {{"weight.momentum_buffer", at::full({2}, -step)}};
  checkpoint.rng = at::tensor({1, 2, 3}, at::kByte);
  checkpoint.metadata = {{"vocabulary", "abc"}};
  checkpoint.state.step = step;
  return checkpoint;
}

class CheckpointTest : public ::testing::Test {
 protected:
  fs::path path() const { return folder_.path() / "checkpoints"; }
  CheckpointStore store(int64_t keep_last = 1) const {
    CheckpointOptions options;
    options.keep_last = keep_last;
    return {path(), options};
  }
  std::vector<std::string> folders() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(path())) {
      if (!entry.is_symlink()) names.push_back(entry.path().filename());
    }
    std::sort(names.begin(), names.end());
    return names;
  }

 private:
  remote::test::TemporaryFolder folder_;
};

TEST_F(CheckpointTest, ComesBackAsItWasSaved) {
  store().save(checkpoint_of(3), true);
  EXPECT_TRUE(store().has_last());
  for (const fs::path& link : {store().last(), store().best()}) {
    const Checkpoint back = read_checkpoint(link);
    EXPECT_EQ(back.state.step, 3);
    EXPECT_TRUE(back.model.at(0).tensor.equal(at::full({2}, 3)));
    EXPECT_EQ(back.optimizer.at(0).name, "weight.momentum_buffer");
    EXPECT_TRUE(back.rng.equal(at::tensor({1, 2, 3}, at::kByte)));
    EXPECT_EQ(back.metadata.at("vocabulary"), "abc");
  }
}

TEST_F(CheckpointTest, OnlyTheLastOnesAndTheBestStay) {
  for (int64_t step = 1; step <= 5; ++step) store(2).save(checkpoint_of(step), step == 2);
  EXPECT_THAT(folders(), ::testing::ElementsAre("step-00000002", "step-00000004", "step-00000005"));
  EXPECT_EQ(read_checkpoint(store().last()).state.step, 5);
  EXPECT_EQ(read_checkpoint(store().best()).state.step, 2);
}

TEST_F(CheckpointTest, SavingAStepAgainReplacesItsState) {
  Checkpoint checkpoint = checkpoint_of(3);
  store().save(checkpoint, false);
  checkpoint.state.validated_step = 3;
  store().save(checkpoint, true);
  EXPECT_EQ(read_checkpoint(store().best()).state.validated_step, 3);
}

TEST_F(CheckpointTest, CleaningUpRemovesWhatAKilledRunLeft) {
  store(5).save(checkpoint_of(1), true);
  store(5).save(checkpoint_of(2), true);
  fs::create_directory(path() / "step-00000003.unfinished");
  fs::copy(path() / "step-00000002", path() / "step-00000004", fs::copy_options::recursive);
  TrainState state;
  state.step = 2;
  state.best = BestResult{"val/loss", 0.5, 1};
  store(5).clean_up(state);
  EXPECT_THAT(folders(), ::testing::ElementsAre("step-00000001", "step-00000002"));
  EXPECT_EQ(read_checkpoint(store().best()).state.step, 1);
}

TEST_F(CheckpointTest, AFileThatIsMissingOrBrokenIsNamed) {
  store().save(checkpoint_of(3), false);
  auto fault = [&]() -> std::string {
    try {
      read_checkpoint(store().last());
      return "nothing";
    } catch (const Error& error) {
      return error.status().message();
    }
  };
  fs::resize_file(store().last() / "model.safetensors", 20);
  EXPECT_THAT(fault(), HasSubstr("model.safetensors is no valid safetensors file"));
  store().save(checkpoint_of(4), false);
  fs::remove(store().last() / "train_state.json");
  EXPECT_THAT(fault(), HasSubstr("train_state.json: No such file"));
  EXPECT_FALSE(store().has_last());
}

TEST_F(CheckpointTest, AnotherVocabularyIsRefused) {
  EXPECT_NO_THROW(check_metadata({{"vocabulary", "abc"}}, {{"vocabulary", "abc"}, {"format", "pt"}}, "x"));
  EXPECT_NO_THROW(check_metadata({{"vocabulary", "abc"}}, {{"format", "pt"}}, "x"));
  EXPECT_THROW(check_metadata({{"vocabulary", "abc"}}, {{"vocabulary", "abd"}}, "x"), Error);
}

TEST_F(CheckpointTest, AFolderWithARunInItIsNotTakenForANewOne) {
  {
    const RunFolder folder = RunFolder::create(path());
    EXPECT_THROW(RunFolder::create(path()), Error) << "somebody has it";
  }
  EXPECT_NO_THROW(RunFolder::create(path()));
  std::ofstream(path() / "metrics.jsonl") << "\n";
  EXPECT_THROW(RunFolder::create(path()), Error);
  EXPECT_THROW(RunFolder::open(path()), Error) << "it has no checkpoint";
  EXPECT_THROW(RunFolder::create(path() / "metrics.jsonl"), Error);
}

}  // namespace
}  // namespace remote::train
