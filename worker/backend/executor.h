#pragma once
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include <worker/backend/device.h>

namespace remote::worker {

/// Something that shares the executor thread with others of its kind: a session.
class Task {
 public:
  enum class Step {
    kIdle,            ///< nothing to do until the next wake()
    kMore,            ///< others may go first
    kWaitsForDevice,  ///< nothing to do until the device has done its work, or the next wake()
  };

  virtual ~Task() = default;
  /// Does some of its work. Never blocks for anything but the device's own computing.
  virtual Step step() = 0;
  /// Before the thread goes to sleep: says what it has kept back so far.
  virtual void settle() = 0;
  /// Waits for the device; only while nobody else has anything to do.
  virtual void wait_for_device() = 0;
  /// Was detached from within a step of its own, which has ended now.
  virtual void on_detached() = 0;

 private:
  friend class Executor;
  enum class State { kIdle, kQueued, kRunning, kRunningAgain, kDetached };
  State state_ = State::kIdle;  // guarded by the executor's mutex
};

/// The one thread that runs ops on a device. Tasks that have something to do take turns. The thread carries none of the
/// state that LibTorch keeps per thread (grad mode, dispatch keys, flush-denormal) over from whoever made it.
/// Thread-safe.
class Executor {
 public:
  using Clock = std::chrono::steady_clock;

  /// `threads`: intra-op threads; 0 leaves LibTorch's default.
  Executor(Device& device, int threads);
  ~Executor() { stop(); }

  /// The task has something to do. Never blocks; a task that runs is stepped once more.
  void wake(const std::shared_ptr<Task>& task);
  /// Steps the task no more, and waits until the step that is under way has ended. False, without waiting, when called
  /// from within that step: on_detached() follows.
  bool detach(const std::shared_ptr<Task>& task);
  /// Calls a function on the thread at about this time.
  void call_at(Clock::time_point when, std::function<void()> function);
  /// Whether the running task should give way.
  bool others_wait() const { return queued_.load(std::memory_order_relaxed) > 0; }
  /// Intra-op threads that it computes with.
  uint32_t threads() const { return threads_; }
  /// Ends the thread; the step under way is finished first.
  void stop();

 private:
  struct Timer {
    Clock::time_point when;
    std::function<void()> function;
  };

  /// Tells how many threads LibTorch took.
  void main(int threads, std::promise<uint32_t> taken);
  void loop(std::unique_lock<std::mutex>& lock);
  std::shared_ptr<Task> next();
  void run(std::unique_lock<std::mutex>& lock, const std::shared_ptr<Task>& task,
           const std::function<Task::Step()>& action);
  bool run_due_timer(std::unique_lock<std::mutex>& lock);
  bool spin(std::unique_lock<std::mutex>& lock);
  void sleep(std::unique_lock<std::mutex>& lock);

  Device& device_;
  std::mutex mutex_;
  std::condition_variable wake_;      // for the thread
  std::condition_variable detached_;  // for detach()
  std::deque<std::shared_ptr<Task>> queue_;
  std::atomic<uint64_t> queued_{0};                 // queue_.size()
  std::vector<std::shared_ptr<Task>> unsettled_;    // idle, and may have kept something back
  std::deque<std::shared_ptr<Task>> device_waits_;  // idle until the device is done
  std::vector<Timer> timers_;
  const Task* running_ = nullptr;
  bool sleeping_ = false;
  std::atomic<bool> stop_{false};
  std::thread thread_;
  uint32_t threads_ = 0;
};

}  // namespace remote::worker
