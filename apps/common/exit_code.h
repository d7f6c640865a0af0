#pragma once

namespace remote::app {

/// What the programs end with. 128 + the signal's number, as shells have it, for a run that a signal ended.
enum ExitCode : int {
  kExitDone = 0,
  /// The run failed, or a required figure was missed.
  kExitFailed = 1,
  /// The command line or the configuration is wrong; nothing ran.
  kExitUsage = 2,
  kExitInterrupted = 130,
  kExitTerminated = 143,
};

}  // namespace remote::app
