#include "apps/rt-worker/command_line.h"

#include <torch/headeronly/version.h>

#include <CLI/CLI.hpp>

#include <iostream>
#include <map>

#include "apps/rt-worker/exit_code.h"

namespace remote::worker {
namespace {

constexpr const char* kExitCodes =
    "Exit codes: 0 stopped by SIGTERM or SIGINT; 1 it could not start or go on; 2 wrong usage; 3 the device is lost\n"
    "and a new process is needed. A second signal ends the worker at once, as if nothing had caught it.";

const std::map<std::string, log::Level> kLogLevels = {{"debug", log::Level::kDebug},
                                                      {"info", log::Level::kInfo},
                                                      {"warning", log::Level::kWarning},
                                                      {"error", log::Level::kError},
                                                      {"off", log::Level::kOff}};

constexpr uint32_t kMaxSeconds = 7 * 24 * 3600;

}  // namespace

std::optional<int> parse_command_line(int argc, const char* const* argv, CommandLine& a) {
  CLI::App app("Runs the tensor operations of remote clients on this machine's processor or GPU.", "rt-worker");
  app.set_version_flag("--version", "rt-worker " REMOTE_VERSION " (LibTorch " TORCH_VERSION ")");
  app.add_option("--listen", a.listen,
                 "host:port (0.0.0.0 is every address of this machine, port 0 picks a free one), [ipv6]:port or "
                 "unix:/path. Whoever can connect can use the device")
      ->type_name("ADDRESS")
      ->capture_default_str();
  app.add_option("--device", a.backend.device, "auto (a GPU where there is one), cpu or cuda:N")
      ->type_name("DEVICE")
      ->capture_default_str();
  app.add_option("--threads", a.backend.threads, "Threads that one operation may use; by default as LibTorch decides")
      ->type_name("N")
      ->check(CLI::Range(1, 4096));
  app.add_option("--port-file", a.port_file,
                 "Once it listens, write the port here, or the address of a unix socket: the file is complete when it "
                 "appears")
      ->type_name("FILE");
  uint32_t lease_seconds = a.backend.lease_ms / 1000;
  app.add_option("--lease", lease_seconds, "How long the state of a client whose connection broke is kept")
      ->type_name("SECONDS")
      ->check(CLI::Range(uint32_t{0}, kMaxSeconds))
      ->capture_default_str();
  app.add_option("--max-session-bytes", a.backend.max_session_bytes,
                 "How much one client's storages may take, for instance 8GiB; 0 for as much as there is")
      ->type_name("BYTES")
      ->transform(CLI::AsSizeValue(/*kb_is_1000=*/false))
      ->capture_default_str();
  app.add_option(
         "--load-ops", a.backend.op_libraries,
         "Load a shared library that registers operations (TORCH_LIBRARY); repeatable. Clients may call them where "
         "--allow-namespace names their namespace")
      ->type_name("FILE")
      ->allow_extra_args(false);
  app.add_option("--allow-namespace", a.backend.allowed_namespaces,
                 "Also run the operations of this namespace, for instance torchvision; repeatable")
      ->type_name("NS")
      ->allow_extra_args(false);
  bool no_peers = false;
  app.add_flag("--no-peers", no_peers,
               "Send nothing to other workers: a client's copies between two workers then pass through the client");
  app.add_flag("--sync-kernels", a.backend.sync_kernels,
               "Wait for the device after each operation: slow, and a CUDA error names the right one");
  app.add_option("--credential-file", a.credential_file, "Only clients that show this file's first line may connect")
      ->type_name("FILE");
  app.add_option("--metrics-port", a.metrics_port, "Serve Prometheus metrics on this port of 127.0.0.1, at /metrics")
      ->type_name("N");
  app.add_option("--drain", a.drain_seconds, "After SIGTERM, how long to wait for the clients to finish")
      ->type_name("SECONDS")
      ->check(CLI::Range(uint32_t{0}, kMaxSeconds))
      ->capture_default_str();
  app.add_option("--log-level", a.log_level, "debug, info, warning, error or off; the log goes to stderr")
      ->type_name("LEVEL")
      ->transform(CLI::CheckedTransformer(kLogLevels, CLI::ignore_case).description(""))
      ->default_str("info");
  app.footer(kExitCodes);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {
    return app.exit(success), kExitDone;
  } catch (const CLI::ParseError& error) {
    std::cerr << "rt-worker: " << error.what() << "\nTry 'rt-worker --help'.\n";
    return kExitUsage;
  }
  a.peers = !no_peers;
  a.backend.lease_ms = lease_seconds * 1000;
  return std::nullopt;
}

}  // namespace remote::worker
