#include "process.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <thread>

extern char** environ;

namespace remote::test {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds kPoll{5};

std::string read_file(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> result;
  for (auto& string : strings) result.push_back(string.data());
  result.push_back(nullptr);
  return result;
}

/// As wait() tells it.
int exit_code_of(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void redirect(const std::string& path, int to) {
  const int file = ::open(path.c_str(), O_CREAT | O_WRONLY | O_APPEND, 0600);
  if (file < 0 || ::dup2(file, to) < 0) ::_exit(127);
}

}  // namespace

Process::Process(std::vector<std::string> command, std::vector<std::string> environment) {
  // All that allocates is done before the fork: other threads of the test may hold the allocator's locks.
  environment.emplace_back("OMP_NUM_THREADS=1");
  for (char** variable = environ; *variable != nullptr; ++variable) environment.emplace_back(*variable);
  const auto arguments = pointers(command), variables = pointers(environment);
  const std::string out = folder_.file("out"), err = folder_.file("err");
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(127);
    redirect(out, STDOUT_FILENO);
    redirect(err, STDERR_FILENO);
    ::execve(arguments[0], arguments.data(), variables.data());
    ::_exit(127);
  }
  if (pid_ < 0 || ::access(arguments[0], X_OK) != 0) {
    std::fprintf(stderr, "can't start %s\n", arguments[0]);
    std::abort();
  }
}

Process::~Process() {
  if (!running()) return;
  signal(SIGKILL);
  wait(std::chrono::seconds(10));
}

std::optional<int> Process::wait(std::chrono::milliseconds timeout) {
  const auto deadline = Clock::now() + timeout;
  while (!status_) {
    int status = 0;
    const pid_t ended = ::waitpid(pid_, &status, WNOHANG);
    if (ended == pid_) {
      status_ = exit_code_of(status);
    } else if (Clock::now() >= deadline) {
      return std::nullopt;
    } else {
      std::this_thread::sleep_for(kPoll);
    }
  }
  return status_;
}

void Process::signal(int number) {
  if (!status_) ::kill(pid_, number);
}

void Process::stop() {
  signal(SIGSTOP);
  int status = 0;
  if (::waitpid(pid_, &status, WUNTRACED) == pid_ && !WIFSTOPPED(status)) status_ = exit_code_of(status);
}

std::optional<std::string> Process::wait_for_line(const std::string& text, std::chrono::milliseconds timeout) {
  const auto deadline = Clock::now() + timeout;
  for (;;) {
    // Asked first: what it wrote before it ended must be seen.
    const bool last_look = !running() || Clock::now() >= deadline;
    std::istringstream lines(output());
    for (std::string line; std::getline(lines, line);) {
      if (!lines.eof() && line.find(text) != line.npos) return line;
    }
    if (last_look) return std::nullopt;
    std::this_thread::sleep_for(kPoll);
  }
}

std::string Process::output() const { return read_file(folder_.file("out")); }
std::string Process::errors() const { return read_file(folder_.file("err")); }

int run(const std::vector<std::string>& command, std::string* output, std::chrono::milliseconds timeout) {
  Process process(command);
  const auto status = process.wait(timeout);
  if (output != nullptr) *output = process.output() + process.errors();
  return status.value_or(124);
}

uint64_t resident_bytes(const std::string& process) {
  std::ifstream file("/proc/" + process + "/statm");
  uint64_t pages = 0, resident = 0;
  file >> pages >> resident;
  return resident * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace remote::test
