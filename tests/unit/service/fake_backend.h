#pragma once
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <worker/backend/backend.h>

namespace remote::worker {

/// A session that keeps what it gets and does what the test says. Thread-safe.
class FakeSession final : public Session {
 public:
  FakeSession(uint64_t number, std::shared_ptr<wire::RecordSource> source, std::shared_ptr<SessionSink> sink)
      : source_(std::move(source)), sink_(std::move(sink)) {
    welcome_.protocol_version = 1;
    welcome_.session = number;
  }

  const wire::Welcome& welcome() const override { return welcome_; }

  void wake() override {
    {
      std::lock_guard lock(mutex_);
      ++wakes_;
    }
    changed_.notify_all();
  }
  Status supply(const wire::Chunk& chunk) override {
    std::lock_guard lock(mutex_);
    if (!supply_status_.ok()) return supply_status_;
    supplied_.append(chunk.bytes);
    changed_.notify_all();
    return {};
  }
  void disconnect(bool keep_lease) override {
    std::lock_guard lock(mutex_);
    source_.reset();
    sink_.reset();
    kept_lease_ = keep_lease;
    changed_.notify_all();
  }

  /// What an executor would do with the next batch.
  std::optional<wire::Batch> take() {
    const auto source = [&] {
      std::lock_guard lock(mutex_);
      return source_;
    }();
    return source ? source->take(1 << 20) : std::nullopt;
  }
  void reply(wire::Reply reply) { sink()->on_reply(std::move(reply)); }
  void send(uint64_t transfer, std::shared_ptr<const std::string> bytes) {
    sink()->on_bulk(transfer, bytes, bytes->data(), bytes->size());
  }
  void refuse_uploads(Status status) {
    std::lock_guard lock(mutex_);
    supply_status_ = std::move(status);
  }

  int wakes() {
    std::lock_guard lock(mutex_);
    return wakes_;
  }
  std::string supplied() {
    std::lock_guard lock(mutex_);
    return supplied_;
  }
  /// None while it is connected.
  std::optional<bool> kept_lease() {
    std::lock_guard lock(mutex_);
    return kept_lease_;
  }
  bool wait_for(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!condition()) {
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, std::chrono::milliseconds(5));
      if (std::chrono::steady_clock::now() > deadline) return false;
    }
    return true;
  }

 private:
  std::shared_ptr<SessionSink> sink() {
    std::lock_guard lock(mutex_);
    return sink_;
  }

  wire::Welcome welcome_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::shared_ptr<wire::RecordSource> source_;
  std::shared_ptr<SessionSink> sink_;
  int wakes_ = 0;
  std::string supplied_;
  Status supply_status_;
  std::optional<bool> kept_lease_;
};

/// Hands out FakeSessions. Thread-safe.
class FakeBackend final : public Backend {
 public:
  StatusOr<std::shared_ptr<Session>> open(const wire::Hello&, std::shared_ptr<wire::RecordSource> source,
                                          std::shared_ptr<SessionSink> sink) override {
    std::lock_guard lock(mutex_);
    if (!refusal_.ok()) return refusal_;
    sessions_.push_back(std::make_shared<FakeSession>(100 + sessions_.size(), std::move(source), std::move(sink)));
    return std::shared_ptr<Session>(sessions_.back());
  }
  std::string device_name() const override { return "fake"; }
  BackendStatistics statistics() const override {
    return {.sessions = 1, .sessions_opened = 2, .ops = 3, .failed_ops = 4, .storages = 5, .storage_bytes = 6};
  }
  bool drain(uint32_t) override {
    refuse({StatusCode::kUnavailable, "this worker is draining"});
    return true;
  }

  void refuse(Status status) {
    std::lock_guard lock(mutex_);
    refusal_ = std::move(status);
  }
  std::shared_ptr<FakeSession> last() {
    std::lock_guard lock(mutex_);
    return sessions_.empty() ? nullptr : sessions_.back();
  }

 private:
  std::mutex mutex_;
  Status refusal_;
  std::vector<std::shared_ptr<FakeSession>> sessions_;
};

}  // namespace remote::worker
