#pragma once
#include <c10/core/Device.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <remote/stats.h>

#include "benchmarks/arguments.h"
#include "benchmarks/process.h"

namespace remote::bench {

/// Where a step can run.
struct Place {
  std::string name;
  c10::Device device;
  /// The process that runs the ops, where it is not this one; else 0.
  pid_t worker = 0;

  bool is_remote() const { return !device.is_cpu(); }
  /// Waits until all that was recorded has run; nothing to wait for on the CPU.
  void finish() const;
  /// Of the place's session; all zero on the CPU.
  Stats stats() const;
};

/// All places that are compared: plain LibTorch on the CPU, a worker in this process, one behind a unix socket and one
/// behind a TCP socket on loopback. Starts the workers, connects to them, and ends them.
class Places {
 public:
  explicit Places(const Arguments& arguments);
  ~Places();
  Places(const Places&) = delete;
  Places& operator=(const Places&) = delete;

  const Place& plain() const { return all_[0]; }
  const Place& embedded() const { return all_[1]; }
  const Place& unix_socket() const { return all_[2]; }
  const Place& tcp() const { return all_[3]; }
  const std::vector<Place>& all() const { return all_; }

  const std::string& unix_address() const { return unix_worker_.address(); }
  const std::string& tcp_address() const { return tcp_worker_.address(); }
  /// Connects one more device, for instance to a worker behind a proxy.
  Place connect(std::string name, const std::string& address, pid_t worker);
  /// A folder for files, removed in the end.
  const std::filesystem::path& folder() const { return folder_; }

 private:
  const std::filesystem::path folder_;
  WorkerProcess unix_worker_;
  WorkerProcess tcp_worker_;
  std::vector<std::string> addresses_;
  std::vector<Place> all_;
};

/// What a subject measures with.
struct Bench {
  const Arguments& arguments;
  Places& places;
};

}  // namespace remote::bench
