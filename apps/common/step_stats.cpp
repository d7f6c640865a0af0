#include "apps/common/step_stats.h"

#include <algorithm>
#include <iomanip>
#include <sstream>

namespace remote::app {
namespace {

constexpr const char* kSynchronisations = "synchronisations";

uint64_t value_of(const StatsCounts& counts, const std::string& name) {
  for (const auto& [key, value] : counts) {
    if (key == name) return value;
  }
  return 0;
}

}  // namespace

StepStats::StepStats(std::function<StatsCounts()> counts)
    : counts_(std::move(counts)), start_(counts_()), before_(start_) {}

void StepStats::on_start(const train::RunInfo&) { before_ = counts_(); }

void StepStats::on_step(int64_t step) {
  StatsCounts now = counts_();
  steps_.push_back(step);
  for (const auto& [name, value] : now) per_step_[name].push_back(value - value_of(before_, name));
  before_ = std::move(now);
}

void StepStats::on_metrics(const train::MetricRecord& record) {
  // Figures of training steps arrive in the middle of a later one; a validation ends where its own figures come.
  bool validation = std::any_of(record.values.begin(), record.values.end(),
                                [](const auto& value) { return value.first.starts_with("val/"); });
  if (validation) before_ = counts_();
}

void StepStats::on_checkpoint(int64_t, bool) { before_ = counts_(); }

std::string StepStats::report() const {
  StatsCounts now = counts_();
  std::ostringstream out;
  out << std::left << std::setw(24) << "count" << std::right;
  for (const char* title : {"first step", "median", "maximum", "whole run"}) out << std::setw(14) << title;
  out << "\n";
  for (const auto& [name, value] : now) {
    auto found = per_step_.find(name);
    std::vector<uint64_t> later;
    if (found != per_step_.end()) later.assign(found->second.begin() + 1, found->second.end());
    std::sort(later.begin(), later.end());
    out << std::left << std::setw(24) << name << std::right;
    if (found == per_step_.end()) {
      out << std::setw(14) << "-";
    } else {
      out << std::setw(14) << found->second.front();
    }
    if (later.empty()) {
      out << std::setw(14) << "-" << std::setw(14) << "-";
    } else {
      out << std::setw(14) << later[later.size() / 2] << std::setw(14) << later.back();
    }
    out << std::setw(14) << value - value_of(start_, name) << "\n";
  }
  out << "median and maximum are of the " << (steps_.empty() ? 0 : steps_.size() - 1) << " steps after the first\n";

  auto waits = per_step_.find(kSynchronisations);
  uint64_t waited = 0;
  std::string which;
  for (size_t i = 1; waits != per_step_.end() && i < waits->second.size(); ++i) {
    if (waits->second[i] == 0) continue;
    if (++waited <= 8) which += (which.empty() ? "" : ", ") + std::to_string(steps_[i]);
  }
  out << "steps after the first that waited for the worker: " << waited;
  if (waited > 0) out << " (" << which << (waited > 8 ? ", ..." : "") << ")";
  out << "\n";
  return out.str();
}

}  // namespace remote::app
