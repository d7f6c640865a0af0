#pragma once
#include <grpcpp/completion_queue.h>

#include <condition_variable>
#include <memory>
#include <mutex>

#include <worker/backend/backend.h>

#include "remote/v1/worker.grpc.pb.h"
#include "worker/service/background.h"
#include "worker/service/session_registry.h"

namespace remote::worker {

/// Records and replies as messages, bulk data as the bytes that came, all of it through completion queues.
using WorkerService = v1::Worker::WithAsyncMethod_Stream<
    v1::Worker::WithRawMethod_Bulk<v1::Worker::WithAsyncMethod_Statistics<v1::Worker::Service>>>;

/// Counts the calls that exist, those that wait for a client included. A queue may only be shut down when none can
/// start another operation on it.
class CallCount {
 public:
  class Member {
   public:
    explicit Member(CallCount& count) : count_(count) { count_.add(1); }
    ~Member() { count_.add(-1); }
    Member(const Member&) = delete;
    Member& operator=(const Member&) = delete;

   private:
    CallCount& count_;
  };

  void wait_until_none() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return calls_ == 0; });
  }

 private:
  void add(int calls) {
    std::lock_guard lock(mutex_);
    calls_ += calls;
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  int calls_ = 0;
};

/// What the calls of one server share. Outlives them.
struct ServiceContext {
  WorkerService service;
  /// Each has a thread: records never wait while a megabyte of bulk data is copied.
  std::unique_ptr<grpc::ServerCompletionQueue> record_queue;
  std::unique_ptr<grpc::ServerCompletionQueue> bulk_queue;
  /// Set before the first call is accepted.
  std::shared_ptr<Backend> backend;
  SessionRegistry sessions;
  CallCount calls;
  Background background;
};

/// A status for a call's end. Texts are cut: they travel as a header, and clients refuse long ones.
grpc::Status call_status(const Status& status);

}  // namespace remote::worker
