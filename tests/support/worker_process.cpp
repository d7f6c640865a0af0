#include "worker_process.h"

#include <csignal>
#include <regex>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace remote::test {
namespace {

constexpr std::chrono::seconds kStartTimeout{60};
constexpr std::chrono::milliseconds kAskAgain{50};

std::string address_in(const std::string& line) {
  static const std::regex form("127\\.0\\.0\\.1:[0-9]+|unix:/[^ \"]+");
  std::smatch match;
  return std::regex_search(line, match, form) ? match.str() : std::string();
}

}  // namespace

std::string program(const std::string& name) {
  for (const char* folder : {REMOTE_TEST_PROGRAMS, REMOTE_TEST_HELPERS}) {
    const std::string path = std::string(folder) + "/" + name;
    if (std::filesystem::exists(path)) return path;
  }
  throw std::runtime_error("no program " + name + " in " REMOTE_TEST_PROGRAMS " or " REMOTE_TEST_HELPERS);
}

WorkerProcess::WorkerProcess(std::vector<std::string> arguments)
    : WorkerProcess("127.0.0.1:0", std::move(arguments)) {}

std::unique_ptr<WorkerProcess> WorkerProcess::on_unix_socket(std::vector<std::string> arguments) {
  return std::unique_ptr<WorkerProcess>(new WorkerProcess("", std::move(arguments)));
}

WorkerProcess::WorkerProcess(const std::string& listen, std::vector<std::string> arguments) {
  std::vector<std::string> command = {program("rt-worker"),
                                      "--listen", listen.empty() ? "unix:" + folder_.file("socket") : listen,
                                      "--device", "cpu", "--threads", "1"};
  command.insert(command.end(), arguments.begin(), arguments.end());
  process_ = std::make_unique<Process>(std::move(command));
  const auto first_line = process_->wait_for_line("", kStartTimeout);
  address_ = address_in(first_line.value_or(""));
  if (address_.empty()) {
    throw std::runtime_error("rt-worker's first line names no address: \"" + first_line.value_or("") +
                             "\"; it wrote: " + process_->errors());
  }
}

uint16_t WorkerProcess::port() const {
  return static_cast<uint16_t>(std::stoi(address_.substr(address_.rfind(':') + 1)));
}

void WorkerProcess::kill() {
  process_->signal(SIGKILL);
  process_->wait(std::chrono::seconds(10));
}
void WorkerProcess::stop() {
  process_->stop();
}
void WorkerProcess::resume() { process_->signal(SIGCONT); }

WorkerCounters WorkerProcess::counters() const {
  std::string output;
  if (run({program("worker_counters"), address_}, &output) != 0) {
    throw std::runtime_error("worker " + address_ + " tells no counters: " + output);
  }
  std::istringstream numbers(output);
  WorkerCounters counters;
  numbers >> counters.sessions >> counters.storages >> counters.storage_bytes;
  return counters;
}

bool WorkerProcess::reaches(const std::function<bool(const WorkerCounters&)>& condition,
                            std::chrono::milliseconds timeout) const {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  while (!condition(counters())) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(kAskAgain);
  }
  return true;
}

}  // namespace remote::test
