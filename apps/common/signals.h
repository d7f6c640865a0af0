#pragma once
#include <atomic>

namespace remote::app {

/// Catches SIGINT, SIGTERM and SIGHUP (unless that is ignored, as under nohup) from now on: the first sets
/// stop_signal(), so that the run can save a checkpoint and end, and prints `notice`, a literal, on stderr; a second
/// one ends the process at once, as if nothing had caught it. Call once, early in main.
void catch_signals(const char* notice = "");

/// The signal that came, or 0. Lives as long as the process.
const std::atomic<int>& stop_signal();

}  // namespace remote::app
