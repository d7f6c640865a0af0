#pragma once
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include <remote/remote.h>

#ifdef REMOTE_GRPC
#include "support/worker_process.h"
#endif

namespace remote::test {

/// The ways to a worker that this build has: "embedded", and "grpc" through an rt-worker beside the test.
inline std::vector<std::string> carriers() {
#ifdef REMOTE_GRPC
  return {"embedded", "grpc"};
#else
  return {"embedded"};
#endif
}

/// remote:0, connected over a carrier for as long as the object lives.
class Connected {
 public:
  explicit Connected(const std::string& carrier) {
    if (carrier == "embedded") {
      connect({"embedded:cpu"});
#ifdef REMOTE_GRPC
    } else {
      worker_ = std::make_unique<WorkerProcess>();
      connect({worker_->address()});
#endif
    }
  }
  ~Connected() {
    try {
      disconnect();
    } catch (const Error& error) {
      ADD_FAILURE() << "an error that nobody has seen: " << error.what();
    }
  }
  Connected(const Connected&) = delete;
  Connected& operator=(const Connected&) = delete;

 private:
#ifdef REMOTE_GRPC
  std::unique_ptr<WorkerProcess> worker_;
#endif
};

inline torch::Device remote_device() { return torch::Device("remote:0"); }

}  // namespace remote::test
