#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include <worker/backend/backend.h>
#include <worker/service/log.h>

namespace remote::worker {

/// What rt-worker was asked to do.
struct CommandLine {
  std::string listen = "127.0.0.1:7070";
  std::string port_file;
  std::string credential_file;
  std::optional<uint16_t> metrics_port;
  uint32_t drain_seconds = 30;
  bool peers = true;
  log::Level log_level = log::Level::kInfo;
  /// Without the credential and the peer address, which come from a file and from the socket.
  BackendOptions backend;
};

/// Reads the command line into `arguments`. Returns nothing where the program should go on, else the exit code: 0 after
/// --help or --version, 2 after a mistake, which it has explained on stderr.
std::optional<int> parse_command_line(int argc, const char* const* argv, CommandLine& arguments);

}  // namespace remote::worker
