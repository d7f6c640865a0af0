#pragma once
#include <sys/types.h>

#include <string>
#include <vector>

namespace remote::bench {

/// A program that runs as long as this object lives: it is killed by the destructor, and by the kernel when this
/// process ends in any other way. One thread, the one that made it.
class Process {
 public:
  enum class Output {
    kPiped,    ///< stdout to read_line(), stderr to this process's
    kDropped,  ///< both to nowhere
  };

  /// Starts it, with this process's environment. Throws remote::Error when that can't be done.
  Process(const std::vector<std::string>& command, Output output);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t pid() const { return pid_; }
  /// The next line of its output, without the newline; empty when there are no more. Waits for it.
  std::string read_line();
  /// Waits for its end. Throws remote::Error unless it ended with exit code 0; the text has the command.
  void wait_for_success();

 private:
  std::string command_;
  pid_t pid_ = -1;
  int output_ = -1;
};

/// An rt-worker on the CPU with one intra-op thread.
class WorkerProcess {
 public:
  /// `listen`: "127.0.0.1:0", or "unix:/path". Waits until it listens. Throws remote::Error when it does not come up.
  WorkerProcess(const std::string& binary, const std::string& listen);

  /// As clients write it.
  const std::string& address() const { return address_; }
  pid_t pid() const { return process_.pid(); }

 private:
  Process process_;
  std::string address_;
};

/// Keeps a worker from running at all, as long as this object lives.
class Stopped {
 public:
  explicit Stopped(pid_t pid);
  ~Stopped();
  Stopped(const Stopped&) = delete;
  Stopped& operator=(const Stopped&) = delete;

 private:
  pid_t pid_;
};

}  // namespace remote::bench
