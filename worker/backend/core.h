#pragma once
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include <worker/backend/backend.h>
#include <worker/backend/device.h>
#include <worker/backend/executor.h>
#include <worker/backend/operation.h>
#include <worker/backend/settings.h>
#include <worker/backend/storage_table.h>

namespace remote::worker {

class SessionImpl;

/// What the sessions of one worker share. `operations` and the settings belong to the executor thread; the rest is
/// thread-safe.
class Core {
 public:
  Core(BackendOptions backend_options, std::unique_ptr<Device> backend_device);

  struct Counters {
    std::atomic<uint64_t> ops{0};
    std::atomic<uint64_t> failed_ops{0};
  };
  /// For counters that only the executor thread changes.
  static void count(std::atomic<uint64_t>& counter) {
    counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }

  void add(const std::shared_ptr<SessionImpl>& session);
  /// A session has ended and its state is freed.
  void remove(uint64_t session);
  /// All that are there now.
  std::vector<std::shared_ptr<SessionImpl>> sessions() const;
  uint64_t session_count() const;
  uint64_t sessions_opened() const;
  /// Waits until no session is left; says whether that came to pass.
  bool wait_until_empty(Executor::Clock::time_point deadline);

  /// Gives the process the state that a session wants. On the executor thread.
  void apply_settings(const SessionSettings& settings);

  /// An error has destroyed the device's context: all sessions end.
  void lose_device(const Status& why);
  bool device_lost() const { return device_lost_.load(std::memory_order_acquire); }
  /// Not ok once it is lost.
  Status health() const;

  const BackendOptions options;
  const uint64_t incarnation;
  const std::unique_ptr<Device> device;
  const std::string worker_name;  ///< as errors name it
  Usage usage;
  Counters counters;
  OperationTable operations;
  ProcessSettings process_settings;
  uint64_t settings_owner = 0;  ///< SessionSettings::serial() of those that the process has; the executor thread's
  std::atomic<bool> draining{false};

 private:
  /// Once the sessions have been told.
  void report_lost_device();

  mutable std::mutex mutex_;
  std::condition_variable removed_;
  std::map<uint64_t, std::shared_ptr<SessionImpl>> sessions_;
  uint64_t sessions_opened_ = 0;
  std::atomic<bool> device_lost_{false};
  Status lost_;

 public:
  Executor executor;  ///< last: its thread uses the others
};

/// A number that nobody can guess and that is not 0.
uint64_t draw_number();

}  // namespace remote::worker
