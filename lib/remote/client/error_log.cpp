#include <remote/client/error_log.h>

#include <c10/util/Exception.h>

#include <algorithm>
#include <iterator>

namespace remote::client {

void ErrorLog::add(wire::Failure failure) {
  std::lock_guard lock(mutex_);
  failures_.push_back(std::move(failure));
  any_.store(true, std::memory_order_relaxed);
}

Status ErrorLog::take(uint64_t before_sequence) {
  if (!any()) return {};
  std::lock_guard lock(mutex_);
  const auto end = std::find_if(failures_.begin(), failures_.end(),
                                [&](const wire::Failure& failure) { return failure.sequence >= before_sequence; });
  const auto count = end - failures_.begin();
  if (count == 0) return {};
  reported_.store(true, std::memory_order_relaxed);
  Status first = std::move(failures_.front().status);
  failures_.erase(failures_.begin(), end);
  any_.store(!failures_.empty(), std::memory_order_relaxed);
  if (count == 1) return first;
  return {first.code(), first.message() + "; " + std::to_string(count - 1) +
                            (count == 2 ? " later op failed too" : " later ops failed too")};
}

void ErrorLog::mark_seen(uint64_t sequence, ReportErrors report) {
  if (report == ReportErrors::kYes) reported_.store(true, std::memory_order_relaxed);
  std::lock_guard lock(mutex_);
  std::erase_if(failures_, [&](const wire::Failure& failure) { return failure.sequence == sequence; });
  any_.store(!failures_.empty(), std::memory_order_relaxed);
}

void ErrorLog::add_warnings(std::vector<std::string> warnings) {
  if (warnings.empty()) return;
  std::lock_guard lock(mutex_);
  std::move(warnings.begin(), warnings.end(), std::back_inserter(warnings_));
  any_warnings_.store(true, std::memory_order_relaxed);
}

void ErrorLog::issue_warnings() {
  if (!any_warnings_.load(std::memory_order_relaxed)) return;
  std::vector<std::string> warnings;
  {
    std::lock_guard lock(mutex_);
    warnings.swap(warnings_);
    any_warnings_.store(false, std::memory_order_relaxed);
  }
  constexpr c10::SourceLocation kWorker{"on the worker", "remote", 0};
  for (auto next = warnings.begin(); next != warnings.end();) {
    try {
      c10::warn(c10::Warning(c10::UserWarning(), kWorker, *next++, /*verbatim=*/true));
    } catch (...) {  // a handler has made an error of it; the others are for the next call
      add_warnings({next, warnings.end()});
      throw;
    }
  }
}

}  // namespace remote::client
