#pragma once
#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include <remote/base/status.h>
#include <remote/wire/reply.h>

namespace remote::client {

/// Whether a call takes the occasion to report an error that nobody has seen.
enum class ReportErrors {
  kYes,
  kNo,  ///< for calls whose result nobody looks at, or that have more to do: the error is left for the next call
};

/// The failures and warnings that a worker has told of and nobody has seen. Each is reported once. Thread-safe.
class ErrorLog {
 public:
  void add(wire::Failure failure);
  void add_warnings(std::vector<std::string> warnings);
  /// Issues the warnings, as LibTorch does, to the calling thread's handler. Not to be called under a lock. One load
  /// where there are none.
  void issue_warnings();
  /// Whether take() would find something; one load.
  bool any() const { return any_.load(std::memory_order_relaxed); }
  /// The oldest failure among the records before `sequence`; all of those count as seen, and the text says how many
  /// there were. Ok when there is none.
  Status take(uint64_t before_sequence = UINT64_MAX);
  /// Someone has seen this one elsewhere: in the status of a value. With kYes as the error of a call.
  void mark_seen(uint64_t sequence, ReportErrors report);
  /// Whether a call has reported an error since this was last asked: what it left stale is to be usable again.
  bool take_reported() { return reported_.load(std::memory_order_relaxed) && reported_.exchange(false); }

 private:
  std::mutex mutex_;
  std::vector<wire::Failure> failures_;  // in stream order
  std::atomic<bool> any_{false};
  std::atomic<bool> reported_{false};
  std::vector<std::string> warnings_;
  std::atomic<bool> any_warnings_{false};
};

}  // namespace remote::client
