#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "process.h"

namespace remote::test {

/// What a worker counts over all its sessions.
struct WorkerCounters {
  uint64_t sessions = 0;
  uint64_t storages = 0;
  uint64_t storage_bytes = 0;
};

/// An rt-worker on the CPU with one thread, of its own for one test, killed when the object goes. One thread.
class WorkerProcess {
 public:
  /// Starts it on a port of 127.0.0.1 that the system picks, and waits until it says where it listens. `arguments` are
  /// added to its command line. Throws std::runtime_error with what it wrote when it doesn't come up.
  explicit WorkerProcess(std::vector<std::string> arguments = {});
  /// The same on a unix socket.
  static std::unique_ptr<WorkerProcess> on_unix_socket(std::vector<std::string> arguments = {});

  /// "127.0.0.1:41234" or "unix:/...".
  const std::string& address() const { return address_; }
  uint16_t port() const;

  void kill();      ///< SIGKILL, and waits for its end
  void stop();      ///< SIGSTOP
  void resume();    ///< SIGCONT

  /// Asks it; throws std::runtime_error when it doesn't answer.
  WorkerCounters counters() const;
  /// Asks again and again until `condition` holds; false when it didn't within `timeout`.
  bool reaches(const std::function<bool(const WorkerCounters&)>& condition,
               std::chrono::milliseconds timeout = std::chrono::seconds(20)) const;

  Process& process() { return *process_; }

 private:
  WorkerProcess(const std::string& listen, std::vector<std::string> arguments);

  TemporaryFolder folder_;
  std::unique_ptr<Process> process_;
  std::string address_;
};

/// Where the build put a program that tests start.
std::string program(const std::string& name);

}  // namespace remote::test
