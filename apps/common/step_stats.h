#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <remote/train/run.h>

namespace remote::app {

/// What a device's session has done so far, by name, in the order in which it is shown: {"operations", 812}, ...
using StatsCounts = std::vector<std::pair<std::string, uint64_t>>;

/// Counts what each training step cost: the difference between the counts before and after it, with validation and
/// checkpoints left out. Takes the counts without waiting for the worker. On the run's thread.
class StepStats final : public train::RunObserver {
 public:
  explicit StepStats(std::function<StatsCounts()> counts);

  void on_start(const train::RunInfo& info) override;
  void on_step(int64_t step) override;
  void on_metrics(const train::MetricRecord& record) override;
  void on_checkpoint(int64_t step, bool is_best) override;

  /// A table: the first step, the median and the maximum of the others, the whole run. Then one line that says how many
  /// steps after the first waited for the worker, and which.
  std::string report() const;

 private:
  std::function<StatsCounts()> counts_;
  StatsCounts start_;
  StatsCounts before_;
  std::vector<int64_t> steps_;
  std::map<std::string, std::vector<uint64_t>> per_step_;
};

}  // namespace remote::app
