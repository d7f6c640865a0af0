#include <worker/backend/executor.h>

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/core/LegacyTypeDispatch.h>
#include <pthread.h>

#include <algorithm>

#include <remote/base/waiting.h>

namespace remote::worker {
namespace {

/// How long the thread looks for work before it sleeps: less than it costs to wake it up twice. A client that records
/// as fast as ops run makes the queue run dry all the time.
constexpr auto kSpinTime = std::chrono::microseconds(20);

void pause_processor() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

}  // namespace

Executor::Executor(Device& device, int threads) : device_(device) {
  std::promise<uint32_t> taken;
  std::future<uint32_t> answer = taken.get_future();
  thread_ = std::thread(&Executor::main, this, threads, std::move(taken));
  threads_ = answer.get();
}

void Executor::stop() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
    wake_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

void Executor::wake(const std::shared_ptr<Task>& task) {
  std::lock_guard lock(mutex_);
  switch (task->state_) {
    case Task::State::kIdle:
      task->state_ = Task::State::kQueued;
      queue_.push_back(task);
      queued_.store(queue_.size(), std::memory_order_release);
      if (sleeping_) wake_.notify_one();
      break;
    case Task::State::kRunning:
      task->state_ = Task::State::kRunningAgain;
      break;
    default:
      break;
  }
}

bool Executor::detach(const std::shared_ptr<Task>& task) {
  std::unique_lock lock(mutex_);
  task->state_ = Task::State::kDetached;
  std::erase(queue_, task);
  std::erase(unsettled_, task);
  std::erase(device_waits_, task);
  queued_.store(queue_.size(), std::memory_order_release);
  if (running_ != task.get()) return true;
  if (std::this_thread::get_id() == thread_.get_id()) return false;
  detached_.wait(lock, [&] { return running_ != task.get(); });
  return true;
}

void Executor::call_at(Clock::time_point when, std::function<void()> function) {
  std::lock_guard lock(mutex_);
  timers_.push_back({when, std::move(function)});
  if (sleeping_) wake_.notify_one();
}

void Executor::main(int threads, std::promise<uint32_t> taken) {
  pthread_setname_np(pthread_self(), "remote-executor");
  mark_worker_thread();
  // The processor's rounding of denormals is inherited from the thread that made this one.
  at::globalContext().setFlushDenormal(false);
  if (threads > 0) at::set_num_threads(threads);
  device_.bind_thread();
  taken.set_value(static_cast<uint32_t>(at::get_num_threads()));
  at::AutoDispatchBelowADInplaceOrView below_autograd;
  std::unique_lock lock(mutex_);
  while (!stop_) loop(lock);
}

void Executor::loop(std::unique_lock<std::mutex>& lock) {
  if (run_due_timer(lock)) return;
  if (!queue_.empty()) {
    const std::shared_ptr<Task> task = next();
    return run(lock, task, [&] { return task->step(); });
  }
  if (spin(lock)) return;
  if (!unsettled_.empty()) {
    const std::shared_ptr<Task> task = std::move(unsettled_.back());
    unsettled_.pop_back();
    const bool waits = std::ranges::find(device_waits_, task) != device_waits_.end();
    return run(lock, task, [&] {
      task->settle();
      return waits ? Task::Step::kWaitsForDevice : Task::Step::kIdle;
    });
  }
  if (!device_waits_.empty()) {
    const std::shared_ptr<Task> task = std::move(device_waits_.front());
    device_waits_.pop_front();
    return run(lock, task, [&] {
      task->wait_for_device();
      return Task::Step::kMore;
    });
  }
  sleep(lock);
}

std::shared_ptr<Task> Executor::next() {
  std::shared_ptr<Task> task = std::move(queue_.front());
  queue_.pop_front();
  queued_.store(queue_.size(), std::memory_order_release);
  return task;
}

void Executor::run(std::unique_lock<std::mutex>& lock, const std::shared_ptr<Task>& task,
                   const std::function<Task::Step()>& action) {
  const bool was_stepped = task->state_ == Task::State::kQueued;
  task->state_ = Task::State::kRunning;
  running_ = task.get();
  std::erase(device_waits_, task);
  lock.unlock();
  const Task::Step step = action();
  lock.lock();
  if (task->state_ == Task::State::kDetached) {
    // Whoever waits for it may free what it uses.
    lock.unlock();
    task->on_detached();
    lock.lock();
  } else if (step == Task::Step::kMore || task->state_ == Task::State::kRunningAgain) {
    task->state_ = Task::State::kQueued;
    queue_.push_back(task);
    queued_.store(queue_.size(), std::memory_order_release);
  } else {
    task->state_ = Task::State::kIdle;
    if (step == Task::Step::kWaitsForDevice) device_waits_.push_back(task);
    if (was_stepped && std::ranges::find(unsettled_, task) == unsettled_.end()) unsettled_.push_back(task);
  }
  running_ = nullptr;
  detached_.notify_all();
}

bool Executor::run_due_timer(std::unique_lock<std::mutex>& lock) {
  if (timers_.empty()) return false;
  const auto now = Clock::now();
  const auto due = std::ranges::find_if(timers_, [&](const Timer& timer) { return timer.when <= now; });
  if (due == timers_.end()) return false;
  const std::function<void()> function = std::move(due->function);
  timers_.erase(due);
  lock.unlock();
  function();
  lock.lock();
  return true;
}

bool Executor::spin(std::unique_lock<std::mutex>& lock) {
  // Only right after a step: whoever has been told to settle or to sleep has spun before.
  if (unsettled_.empty()) return false;
  lock.unlock();
  const auto end = Clock::now() + kSpinTime;
  while (!others_wait() && !stop_ && Clock::now() < end) {
    for (int i = 0; i < 16; ++i) pause_processor();
  }
  lock.lock();
  return !queue_.empty();
}

void Executor::sleep(std::unique_lock<std::mutex>& lock) {
  if (stop_) return;
  sleeping_ = true;
  const auto first = std::ranges::min_element(timers_, {}, &Timer::when);
  if (first == timers_.end()) {
    wake_.wait(lock);
  } else {
    // By value: call_at() may move the timers while this waits.
    const auto when = first->when;
    wake_.wait_until(lock, when);
  }
  sleeping_ = false;
}

}  // namespace remote::worker
