#pragma once
#include <chrono>
#include <cstdint>

namespace remote::train {

/// How many steps may be handed over before the device has done them: about half a second's worth, from how fast
/// figures come back. Enough to hide a slow network, and little enough that a bad loss, a signal or the progress line
/// is not minutes late.
class Lead {
 public:
  using Clock = std::chrono::steady_clock;

  /// Figures of `step` have come.
  void on_arrival(int64_t step, Clock::time_point now);
  /// Whether `step` is too far ahead of what has come.
  bool is_too_long(int64_t step) const { return step - arrived_ > allowed_; }

  /// So many steps are always allowed. To be counted on, figures must be asked for no less often.
  static constexpr int64_t kLeastSteps = 16;

 private:
  int64_t arrived_ = 0;
  // Large until the first measurement.
  int64_t allowed_ = 4 * kLeastSteps;
  int64_t measured_from_ = -1;
  Clock::time_point measured_since_;
};

}  // namespace remote::train
