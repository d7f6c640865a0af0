#pragma once
#include <c10/core/Storage.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <remote/base/status.h>
#include <remote/client/error_log.h>
#include <remote/wire/reply.h>

namespace remote::client {

/// How many bytes of values a fetch brings, and where they are written as they come, if they come over the bulk
/// connection; what is in that memory is lost even where the fetch fails. Without memory the answer has its own.
struct FetchTarget {
  uint64_t bytes = 0;
  char* memory = nullptr;
  c10::Storage owner = {};  ///< keeps `memory` until the answer is complete; whoever reads it then has it, too
};

/// An answer that is on its way from a worker. Keeps the bytes that come. Thread-safe; shared by the session and
/// whoever asked, and safe to drop before the answer has come.
class PendingValue {
 public:
  using Clock = std::chrono::steady_clock;

  /// `target`: of a fetch; other requests bring no bulk data.
  PendingValue(std::shared_ptr<ErrorLog> errors, std::optional<FetchTarget> target);

  /// Whether wait() would return without waiting.
  bool ready() const;
  /// Waits for the answer, and returns its bytes: they live as long as this object.
  ///
  /// An error of what the value depends on is returned each time, and counts as reported. Else an error of an earlier
  /// record that nobody has seen is returned, once, unless `report` says no; the next call returns the value.
  /// DEADLINE_EXCEEDED: past `deadline`; the value may still come. UNAVAILABLE: the worker is gone.
  StatusOr<std::string_view> wait(std::optional<Clock::time_point> deadline = std::nullopt,
                                  ReportErrors report = ReportErrors::kYes);
  /// Calls a function with the value's status when it is complete, which may be now: from the thread that hears the
  /// worker, under locks, so that it must not block. At most one, before anybody waits.
  void on_complete(std::function<void(const Status&)> function);
  /// What an op returned whose outputs could not be declared. Only after wait() succeeded.
  const std::vector<wire::OutputMeta>& outputs() const { return value_.outputs; }

 private:
  friend class Session;

  void set_sequence(uint64_t sequence) { sequence_ = sequence; }
  /// These three say whether the value is complete, so that the session can forget it.
  bool complete(wire::RequestedValue value);
  bool add_chunk(const wire::Chunk& chunk);
  bool fail(Status status);
  /// With mutex_ held.
  bool finish();

  const std::shared_ptr<ErrorLog> errors_;
  const uint64_t fork_generation_;
  uint64_t sequence_ = 0;  // of the record; written before anybody else sees this object

  mutable std::mutex mutex_;
  std::condition_variable done_changed_;
  std::function<void(const Status&)> on_complete_;
  bool done_ = false;
  bool replied_ = false;
  wire::RequestedValue value_;
  std::optional<FetchTarget> target_;
  bool target_is_ours_ = false;
  uint64_t bulk_received_ = 0;
};

}  // namespace remote::client
