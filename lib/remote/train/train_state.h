#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include <remote/train/metrics.h>

namespace remote::train {

/// The best validation so far, by the figure that the run monitors.
struct BestResult {
  std::string metric;
  double value = 0;
  int64_t step = 0;
};

/// Where a run stands: what resuming needs beside tensors. train_state.json.
struct TrainState {
  /// Steps made.
  int64_t step = 0;
  /// The last step after which the run was validated; a stop can come between a step and its validation.
  int64_t validated_step = 0;
  /// Seconds of training, over all parts of the run.
  double seconds = 0;
  std::optional<BestResult> best;
  /// The latest value of every figure.
  MetricValues metrics;

  // What the order of data depends on: compared on resume, because another order would be another run.
  uint64_t seed = 0;
  int64_t batch_size = 0;
  int64_t examples_per_epoch = 0;
  int64_t steps_per_epoch = 0;
};

/// As JSON text.
std::string format_train_state(const TrainState& state);

/// Throws remote::Error that names `source` and what is wrong with the text.
TrainState parse_train_state(const std::string& text, const std::string& source);

}  // namespace remote::train
