#pragma once
#include <atomic>

namespace remote::app {

/// Catches SIGINT and SIGTERM from now on: the first sets stop_signal(), so that the run can save a checkpoint and end;
/// a second one ends the process at once, as if nothing had caught it. Call once, early in main.
void catch_signals();

/// The signal that came, or 0. Lives as long as the process.
const std::atomic<int>& stop_signal();

}  // namespace remote::app
