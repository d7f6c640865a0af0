#pragma once
#include <sys/types.h>

namespace remote::bench {

/// Processor time used so far, in seconds.
struct CpuTime {
  double calling_thread = 0;
  /// Of all threads of this process, the calling one included.
  double process = 0;
  /// Of another process; 0 for none.
  double worker = 0;

  /// `worker`: 0 for none.
  static CpuTime now(pid_t worker);
};

inline CpuTime operator-(const CpuTime& later, const CpuTime& earlier) {
  return {later.calling_thread - earlier.calling_thread, later.process - earlier.process,
          later.worker - earlier.worker};
}

}  // namespace remote::bench
