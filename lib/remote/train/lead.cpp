#include <remote/train/lead.h>

#include <algorithm>

namespace remote::train {
namespace {

constexpr double kLeadSeconds = 0.5;
/// Arrivals come in bunches; a shorter time would measure the bunches.
constexpr double kMeasuredSeconds = 0.05;

}  // namespace

void Lead::on_arrival(int64_t step, Clock::time_point now) {
  arrived_ = step;
  const double seconds = std::chrono::duration<double>(now - measured_since_).count();
  if (measured_from_ >= 0 && seconds < kMeasuredSeconds) return;
  if (measured_from_ >= 0) {
    const double steps = static_cast<double>(step - measured_from_) / seconds * kLeadSeconds;
    allowed_ = std::max(kLeastSteps, static_cast<int64_t>(steps));
  }
  measured_from_ = step;
  measured_since_ = now;
}

}  // namespace remote::train
