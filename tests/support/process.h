#pragma once
#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "temporary_folder.h"

namespace remote::test {

/// A program that runs beside the test, with its output kept in files. Killed when the object goes, and by the system
/// when the test's thread that started it dies. One thread.
class Process {
 public:
  /// Starts `command`, looked up by path. `environment` adds "NAME=value" to the test's own; OpenMP gets one thread,
  /// because two programs with two each on two cores run several times slower. Aborts the test program when there is no
  /// such file.
  explicit Process(std::vector<std::string> command, std::vector<std::string> environment = {});
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t pid() const { return pid_; }
  bool running() { return !wait(std::chrono::milliseconds(0)).has_value(); }

  /// Its exit code, or 128 plus the signal that ended it; none when it still runs after `timeout`.
  std::optional<int> wait(std::chrono::milliseconds timeout);
  void signal(int number);
  /// Stops it with SIGSTOP and returns once all its threads stand still, which the signal alone does not promise.
  void stop();

  /// Waits until it has written a line of its standard output that contains `text`, and returns the line without its
  /// end; none when the process ended or the time did.
  std::optional<std::string> wait_for_line(const std::string& text,
                                           std::chrono::milliseconds timeout = std::chrono::seconds(30));

  /// What it has written so far.
  std::string output() const;
  std::string errors() const;

 private:
  TemporaryFolder folder_;
  pid_t pid_ = -1;
  std::optional<int> status_;
};

/// Runs a program to its end and returns its exit code; 124 when it took longer than `timeout` and was killed.
int run(const std::vector<std::string>& command, std::string* output = nullptr,
        std::chrono::milliseconds timeout = std::chrono::seconds(60));

/// The resident set of a process in bytes, as the kernel counts it now: of this one, or of the one with this number.
uint64_t resident_bytes(const std::string& process = "self");

}  // namespace remote::test
