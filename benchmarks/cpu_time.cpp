#include "benchmarks/cpu_time.h"

#include <ctime>

namespace remote::bench {
namespace {

double seconds(clockid_t clock) {
  timespec now{};
  return clock_gettime(clock, &now) == 0 ? static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec)
                                         : 0;
}

}  // namespace

CpuTime CpuTime::now(pid_t worker) {
  clockid_t clock{};
  const bool has_worker = worker > 0 && clock_getcpuclockid(worker, &clock) == 0;
  return {seconds(CLOCK_THREAD_CPUTIME_ID), seconds(CLOCK_PROCESS_CPUTIME_ID), has_worker ? seconds(clock) : 0};
}

}  // namespace remote::bench
