#include <remote/client/pending_value.h>

#include <c10/core/CPUAllocator.h>

#include <cstring>

#include <remote/base/waiting.h>
#include <remote/client/fork.h>

namespace remote::client {

PendingValue::PendingValue(std::shared_ptr<ErrorLog> errors, std::optional<FetchTarget> target)
    : errors_(std::move(errors)), fork_generation_(fork_generation()), target_(std::move(target)) {}

bool PendingValue::ready() const {
  if (fork_generation_ != fork_generation()) return true;
  std::lock_guard lock(mutex_);
  return done_;
}

StatusOr<std::string_view> PendingValue::wait(std::optional<Clock::time_point> deadline, ReportErrors report) {
  if (fork_generation_ != fork_generation()) {
    return Status(StatusCode::kFailedPrecondition,
                  "a value was asked for before this process was forked; only the "
                  "parent process can wait for it");
  }
  if (!ready()) {
    REMOTE_RETURN_IF_ERROR(may_wait());
    const Waiting waiting;
    std::unique_lock lock(mutex_);
    const auto is_done = [&] { return done_; };
    if (!deadline) {
      done_changed_.wait(lock, is_done);
    } else if (!done_changed_.wait_until(lock, *deadline, is_done)) {
      return Status(StatusCode::kDeadlineExceeded,
                    "the worker has not answered within the time given; it may still do so");
    }
  }
  // A complete value changes no more.
  errors_->issue_warnings();
  if (!value_.status.ok()) {
    if (value_.failed_sequence != 0) errors_->mark_seen(value_.failed_sequence, report);
    return value_.status;
  }
  if (report == ReportErrors::kYes) REMOTE_RETURN_IF_ERROR(errors_->take(sequence_));
  return value_.bulk ? std::string_view(target_->memory, bulk_received_) : std::string_view(value_.bytes);
}

bool PendingValue::complete(wire::RequestedValue value) {
  std::lock_guard lock(mutex_);
  if (done_ || replied_) return done_;
  replied_ = true;
  value_ = std::move(value);
  if (!value_.status.ok()) return finish();
  const uint64_t came = value_.bulk ? value_.bulk_bytes : value_.bytes.size();
  if (target_ ? came != target_->bytes : value_.bulk) {
    value_.status = {StatusCode::kDataLoss, "the worker answered a fetch of " +
                                                std::to_string(target_ ? target_->bytes : 0) + " bytes with " +
                                                std::to_string(came)};
    return finish();
  }
  // The bulk connection may be ahead of the replies, or behind.
  if (!value_.bulk || bulk_received_ == value_.bulk_bytes) return finish();
  return false;
}

bool PendingValue::add_chunk(const wire::Chunk& chunk) {
  std::lock_guard lock(mutex_);
  if (done_) return true;
  const uint64_t expected = target_ ? target_->bytes : 0;
  if (chunk.total_bytes != expected || chunk.offset != bulk_received_ ||
      chunk.bytes.size() > expected - bulk_received_) {
    value_.status = {StatusCode::kDataLoss, "a piece of a fetch does not fit: bytes " + std::to_string(chunk.offset) +
                                                " to " + std::to_string(chunk.offset + chunk.bytes.size()) + " of " +
                                                std::to_string(chunk.total_bytes) + " came, byte " +
                                                std::to_string(bulk_received_) + " of " + std::to_string(expected) +
                                                " was next"};
    return finish();
  }
  if (chunk.bytes.empty()) return false;
  if (target_->memory == nullptr) {
    target_->owner = c10::Storage(c10::Storage::use_byte_size_t(), expected, c10::GetCPUAllocator(), false);
    target_->memory = static_cast<char*>(target_->owner.mutable_data());
    target_is_ours_ = true;
  }
  std::memcpy(target_->memory + bulk_received_, chunk.bytes.data(), chunk.bytes.size());
  bulk_received_ += chunk.bytes.size();
  return replied_ && bulk_received_ == expected ? finish() : false;
}

bool PendingValue::fail(Status status) {
  std::lock_guard lock(mutex_);
  if (done_) return true;
  value_.status = std::move(status);
  return finish();
}

void PendingValue::on_complete(std::function<void(const Status&)> function) {
  std::lock_guard lock(mutex_);
  if (done_) return function(value_.status);
  on_complete_ = std::move(function);
}

bool PendingValue::finish() {
  done_ = true;
  if (target_ && !target_is_ours_) target_->owner = {};
  done_changed_.notify_all();
  if (on_complete_) on_complete_(value_.status);
  on_complete_ = nullptr;
  return true;
}

}  // namespace remote::client
