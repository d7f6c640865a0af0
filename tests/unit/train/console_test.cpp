#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include <remote/train/console.h>

namespace remote::train {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// A reporter that writes into memory.
class Screen {
 public:
  explicit Screen(LoggingOptions options = {}, bool redraws = false, bool colors = false) {
    stream_ = ::open_memstream(&bytes_, &size_);
    reporter_.emplace(options, ConsoleReporter::Style{stream_, redraws, colors});
    RunInfo info{"cpu", 1234567, 100, 50, 8, 0};
    reporter_->on_start(info);
  }
  ~Screen() {
    std::fclose(stream_);
    std::free(bytes_);
  }
  ConsoleReporter* operator->() { return &*reporter_; }
  std::string text() {
    std::fflush(stream_);
    return {bytes_, size_};
  }

 private:
  char* bytes_ = nullptr;
  size_t size_ = 0;
  std::FILE* stream_;
  std::optional<ConsoleReporter> reporter_;
};

TEST(ConsoleTest, SaysWhatBegins) {
  EXPECT_THAT(Screen().text(), HasSubstr("training on cpu: 1,234,567 parameters, 100 steps, 50 to an epoch\n"));
}

TEST(ConsoleTest, WithoutATerminalThereArePlainLinesAtIntervals) {
  LoggingOptions often;
  often.console_seconds = 0;
  Screen screen(often);
  screen->on_step(1);
  EXPECT_THAT(screen.text(), HasSubstr("epoch 1  step 0/100\n")) << "handed over, and not done";
  screen->on_metrics({10, 1, {{"train/loss", 0.5}}});
  screen->on_done(51);
  screen->on_step(67);
  EXPECT_THAT(screen.text(), HasSubstr("epoch 2  step 51/100  train/loss 0.5  "));
  EXPECT_THAT(screen.text(), Not(HasSubstr("\x1b")));
  EXPECT_THAT(screen.text(), Not(HasSubstr("\r")));

  Screen seldom;
  const std::string before = seldom.text();
  seldom->on_step(51);
  EXPECT_EQ(seldom.text(), before);
}

TEST(ConsoleTest, AValidationGetsItsOwnLine) {
  Screen screen;
  screen->on_metrics({50, 1, {{"val/loss", 0.25}, {"val/accuracy", 0.875}}});
  EXPECT_THAT(screen.text(), HasSubstr("epoch 1  step 50  val/loss 0.25  val/accuracy 0.875\n"));
}

TEST(ConsoleTest, TheSummarySaysHowTheRunEnded) {
  RunResult result;
  result.status = RunStatus::kStopped;
  result.steps = 75;
  result.steps_per_epoch = 50;
  result.seconds = 3725;
  result.metrics = {{"val/accuracy", 0.875}};
  result.best = BestResult{"val/accuracy", 0.9, 50};
  result.checkpoint = "runs/x/checkpoints/last";
  Screen screen;
  screen->on_finish(result);
  EXPECT_THAT(screen.text(),
              HasSubstr("stopped: 75 steps (1.5 epochs) in 1h02m\n  val/accuracy 0.875\n"
                        "  best val/accuracy 0.9 after step 50\n  checkpoint runs/x/checkpoints/last\n"));
}

TEST(ConsoleTest, QuietLeavesTheSummary) {
  LoggingOptions quiet;
  quiet.quiet = true;
  quiet.console_seconds = 0;
  Screen screen(quiet);
  screen->on_step(1);
  screen->on_metrics({50, 1, {{"val/loss", 0.25}}});
  EXPECT_EQ(screen.text(), "");
  screen->on_finish(RunResult());
  EXPECT_THAT(screen.text(), HasSubstr("completed: 0 steps"));
}

}  // namespace
}  // namespace remote::train
