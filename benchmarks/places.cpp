#include "benchmarks/places.h"

#include <stdlib.h>

#include <cerrno>
#include <cstring>

#include <remote/connect.h>
#include <remote/device/error.h>

namespace remote::bench {
namespace {

std::filesystem::path make_folder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "rt-bench-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) {
    throw_error(StatusCode::kUnavailable, "can't make a folder " + pattern + ": " + std::strerror(errno));
  }
  return pattern;
}

}  // namespace

void Place::finish() const {
  if (is_remote()) synchronize(device);
}

Stats Place::stats() const { return is_remote() ? remote::stats(device) : Stats{}; }

Places::Places(const Arguments& arguments)
    : folder_(make_folder()),
      unix_worker_(arguments.worker_binary, "unix:" + (folder_ / "worker.sock").string()),
      tcp_worker_(arguments.worker_binary, "127.0.0.1:0") {
  all_.push_back({"plain LibTorch", c10::Device(c10::kCPU), 0});
  all_.push_back(connect("embedded", "embedded:cpu", 0));
  all_.push_back(connect("unix socket", unix_worker_.address(), unix_worker_.pid()));
  all_.push_back(connect("loopback TCP", tcp_worker_.address(), tcp_worker_.pid()));
}

Places::~Places() {
  try {
    disconnect();
  } catch (const Error&) {
    // What a subject failed with has been told already.
  }
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

Place Places::connect(std::string name, const std::string& address, pid_t worker) {
  addresses_.push_back(address);
  remote::connect(addresses_);
  const auto index = static_cast<c10::DeviceIndex>(addresses_.size() - 1);
  return {std::move(name), c10::Device(c10::DeviceType::PrivateUse1, index), worker};
}

}  // namespace remote::bench
