#pragma once
#include <chrono>
#include <cstdio>
#include <string>

#include <remote/train/options.h>
#include <remote/train/run.h>

namespace remote::train {

/// Shows a run to a person. On a terminal, one line at its foot that is drawn anew; elsewhere a plain line every few
/// seconds, for logs. Validations and the end get a line of their own in both. On the run's thread.
class ConsoleReporter final : public RunObserver {
 public:
  /// Where and how. `detect` looks at stderr and the environment (NO_COLOR, CI, TERM=dumb).
  struct Style {
    std::FILE* stream = stderr;
    bool redraws = false;
    bool colors = false;
    static Style detect();
  };

  explicit ConsoleReporter(LoggingOptions options, Style style = Style::detect());

  void on_start(const RunInfo& info) override;
  void on_step(int64_t step) override;
  void on_done(int64_t step) override;
  void on_metrics(const MetricRecord& record) override;
  void on_finish(const RunResult& result) override;

 private:
  using Clock = std::chrono::steady_clock;

  std::string progress() const;
  /// With a space behind it; empty where it would be too narrow.
  std::string bar(int64_t width) const;
  void print_line(const std::string& text);

  LoggingOptions options_;
  Style style_;
  RunInfo info_;
  std::string latest_;  // figures of the last step that came
  Clock::time_point began_;
  Clock::time_point shown_;
  int64_t done_ = 0;
  Clock::time_point done_at_;
  bool bar_is_shown_ = false;
};

/// The end-of-run summary, a few lines with a newline after each.
std::string describe(const RunResult& result);

}  // namespace remote::train
