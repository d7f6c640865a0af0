#include "benchmarks/machine.h"

#include <ATen/Parallel.h>
#include <sys/utsname.h>
#include <torch/version.h>
#include <unistd.h>

#include <cstdint>
#include <ctime>
#include <fstream>

namespace remote::bench {
namespace {

/// The value behind "key : value" or "key: value" in a file of such lines.
std::string value_in(const char* path, const std::string& key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(key)) continue;
    const size_t colon = line.find(':');
    if (colon == line.npos) continue;
    const size_t begin = line.find_first_not_of(" \t", colon + 1);
    return begin == line.npos ? std::string() : line.substr(begin);
  }
  return {};
}

uint64_t memory_bytes(const std::string& key) {
  const std::string text = value_in("/proc/meminfo", key);
  return text.empty() ? 0 : std::stoull(text) * 1024;
}

}  // namespace

std::vector<std::pair<std::string, std::string>> describe_machine() {
  char date[32];
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  std::strftime(date, sizeof date, "%Y-%m-%d %H:%M UTC", gmtime_r(&now, &utc));
  utsname system{};
  uname(&system);
  return {{"date", date},
          {"processor", value_in("/proc/cpuinfo", "model name") + ", " + std::to_string(sysconf(_SC_NPROCESSORS_ONLN)) +
                            " cores"},
          {"memory", std::to_string(memory_bytes("MemTotal") >> 20) + " MiB"},
          {"kernel", std::string(system.sysname) + " " + system.release + " " + system.machine},
          {"LibTorch", TORCH_VERSION},
          {"build", REMOTE_BUILD_TYPE},
          {"intra-op threads", std::to_string(at::get_num_threads()) + " in this process, 1 in each worker"}};
}

uint64_t available_memory_bytes() { return memory_bytes("MemAvailable"); }

}  // namespace remote::bench
