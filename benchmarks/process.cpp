#include "benchmarks/process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include <remote/device/error.h>

namespace remote::bench {
namespace {

[[noreturn]] void fail(const std::string& what) {
  throw_error(StatusCode::kUnavailable, what + ": " + std::strerror(errno));
}

/// In the child, between fork and exec: nothing here may allocate or lock.
[[noreturn]] void become(char* const* command, pid_t parent, int output, bool drop_errors) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(127);
  dup2(output, STDOUT_FILENO);
  if (drop_errors) dup2(output, STDERR_FILENO);
  execv(command[0], command);
  _exit(127);
}

/// The address in "... 127.0.0.1:40213 ...".
std::string address_in(const std::string& line) {
  for (size_t begin = 0; begin < line.size();) {
    const size_t end = std::min(line.find_first_of(" =\"", begin), line.size());
    const std::string word = line.substr(begin, end - begin);
    const size_t colon = word.rfind(':');
    if (word.starts_with("unix:/")) return word;
    if (colon != word.npos && colon > 0 && colon + 1 < word.size() &&
        word.find_first_not_of("0123456789", colon + 1) == word.npos) {
      return word;
    }
    begin = end + 1;
  }
  return {};
}

}  // namespace

Process::Process(const std::vector<std::string>& command, Output output) {
  std::vector<char*> arguments;
  for (const std::string& argument : command) {
    command_ += (command_.empty() ? "" : " ") + argument;
    arguments.push_back(const_cast<char*>(argument.c_str()));
  }
  arguments.push_back(nullptr);
  int ends[2] = {-1, -1};
  if (output == Output::kPiped) {
    if (pipe2(ends, O_CLOEXEC) != 0) fail("can't make a pipe for " + command_);
  } else if ((ends[1] = open("/dev/null", O_WRONLY | O_CLOEXEC)) < 0) {
    fail("can't open /dev/null");
  }
  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ == 0) become(arguments.data(), parent, ends[1], output == Output::kDropped);
  close(ends[1]);
  output_ = ends[0];
  if (pid_ < 0) fail("can't start " + command_);
}

Process::~Process() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  if (output_ >= 0) close(output_);
}

std::string Process::read_line() {
  std::string line;
  char next = 0;
  while (true) {
    const ssize_t count = read(output_, &next, 1);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0 || next == '\n') return line;
    line += next;
  }
}

void Process::wait_for_success() {
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0) {
    if (errno != EINTR) fail("can't wait for " + command_);
  }
  pid_ = -1;
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return;
  throw_error(StatusCode::kInternal,
              "this command " +
                  (WIFEXITED(status) ? "ended with exit code " + std::to_string(WEXITSTATUS(status))
                                     : "was ended by signal " + std::to_string(WTERMSIG(status))) +
                  "; run it by hand to see why: " + command_);
}

WorkerProcess::WorkerProcess(const std::string& binary, const std::string& listen)
    : process_({binary, "--listen", listen, "--device", "cpu", "--threads", "1", "--log-level", "error"},
               Process::Output::kPiped) {
  const std::string line = process_.read_line();
  address_ = address_in(line);
  if (address_.empty()) {
    throw_error(StatusCode::kUnavailable,
                binary + " did not say where it listens; its first line was \"" + line + "\"");
  }
}

Stopped::Stopped(pid_t pid) : pid_(pid) {
  kill(pid, SIGSTOP);
  // The signal is on its way when kill() returns.
  int status = 0;
  waitpid(pid, &status, WUNTRACED);
}

Stopped::~Stopped() { kill(pid_, SIGCONT); }

}  // namespace remote::bench
