#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace remote::train {

/// Figures by their names ("val/accuracy"), in the order in which they are shown.
using MetricValues = std::vector<std::pair<std::string, double>>;

/// A value as a figure: where it is no number, without the sign that x86 gives to what 0/0 leaves.
inline double as_figure(double value) {
  return std::isnan(value) ? std::numeric_limits<double>::quiet_NaN() : value;
}

/// The figure of that name, or null.
inline const double* find_metric(const MetricValues& values, const std::string& name) {
  for (const auto& [key, value] : values) {
    if (key == name) return &value;
  }
  return nullptr;
}

/// Sets figures that are there already, appends the others.
inline void merge_metrics(MetricValues& into, const MetricValues& from) {
  for (const auto& entry : from) {
    auto known = std::find_if(into.begin(), into.end(), [&](const auto& other) { return other.first == entry.first; });
    if (known == into.end()) {
      into.push_back(entry);
    } else {
      known->second = entry.second;
    }
  }
}

/// What one line of metrics.jsonl says.
struct MetricRecord {
  /// How many steps the run had made.
  int64_t step = 0;
  /// The epoch that this step belongs to; the first is 1.
  int64_t epoch = 0;
  MetricValues values;
};

}  // namespace remote::train
