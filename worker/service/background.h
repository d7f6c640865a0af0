#pragma once
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace remote::worker {

/// One thread for what may wait, such as the end of a session whose op is still running: the threads that serve the
/// network never do. Tasks run in order. Thread-safe.
class Background {
 public:
  Background() : thread_([this] { work(); }) {}
  /// Runs what is queued, then joins the thread.
  ~Background();

  void run(std::function<void()> task);

 private:
  void work();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> tasks_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace remote::worker
