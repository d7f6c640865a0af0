#pragma once

namespace remote::worker {

/// What rt-worker ends with.
enum ExitCode : int {
  /// Stopped by a signal, after its clients had ended or their time was up.
  kExitDone = 0,
  /// It could not start, or not go on.
  kExitFailed = 1,
  /// The command line is wrong.
  kExitUsage = 2,
  /// The device can't be used any more by this process: whoever supervises it starts another, which has a new
  /// incarnation.
  kExitDeviceLost = 3,
};

}  // namespace remote::worker
