// rt-worker: takes the address, makes the backend, serves until a signal comes, and then lets the clients finish.
#include <signal.h>
#include <torch/headeronly/version.h>
#include <unistd.h>

#include <atomic>
#include <exception>
#include <iostream>

#include <remote/base/credential.h>
#include <remote/base/process_memory.h>
#include <remote/wire/version.h>
#include <worker/backend/backend.h>
#include <worker/service/log.h>
#include <worker/service/metrics.h>
#include <worker/service/peer_sender.h>
#include <worker/service/server.h>

#include "apps/rt-worker/command_line.h"
#include "apps/rt-worker/exit_code.h"
#include "apps/rt-worker/files.h"

namespace remote::worker {
namespace {

std::atomic<bool> g_device_lost{false};

/// SIGINT and SIGTERM wait for wait_for_signal(), in this thread and all that it starts.
sigset_t block_signals() {
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGINT);
  sigaddset(&stop, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &stop, nullptr);
  // A client or a reader of stdout that went away is noticed where it matters.
  ::signal(SIGPIPE, SIG_IGN);
  return stop;
}

/// After this, a second signal ends the process at once.
int wait_for_signal(const sigset_t& stop) {
  int number = 0;
  sigwait(&stop, &number);
  pthread_sigmask(SIG_UNBLOCK, &stop, nullptr);
  return number;
}

void on_device_lost(const Status& reason) {
  log::error("device lost; a new process is needed", {{"reason", reason.message()}});
  g_device_lost = true;
  // The main thread sleeps in wait_for_signal().
  ::kill(::getpid(), SIGTERM);
}

int fail(const Status& status) {
  std::cerr << "rt-worker: " << status.message() << std::endl;
  return status.code() == StatusCode::kInvalidArgument ? kExitUsage : kExitFailed;
}

void announce(const Server& server, const Backend& backend) {
  std::cout << "rt-worker listening on " << server.address() << " (" << backend.device_name()
            << ", LibTorch " TORCH_VERSION ", protocol " << wire::kProtocolVersion << ")" << std::endl;
}

/// The clients' time to finish, then the end.
int shut_down(Server& server, int signal_number, uint32_t drain_seconds) {
  if (g_device_lost) {
    server.stop({StatusCode::kUnavailable, "the worker's device is lost"});
    return kExitDeviceLost;
  }
  log::info("draining", {{"signal", signal_number == SIGINT ? "SIGINT" : "SIGTERM"},
                         {"seconds", std::to_string(drain_seconds)}});
  const bool drained = server.drain(std::chrono::seconds(drain_seconds));
  server.stop({StatusCode::kUnavailable, "the worker shuts down"});
  log::info("stopped", {{"sessions", drained ? "all had ended" : "some were cut off"}});
  return kExitDone;
}

int run(int argc, char** argv) {
  CommandLine arguments;
  if (const auto code = parse_command_line(argc, argv, arguments)) return *code;
  log::set_level(arguments.log_level);
  if (!arguments.credential_file.empty()) {
    auto credential = read_credential(arguments.credential_file);
    if (!credential.ok()) return fail(credential.status());
    arguments.backend.credential = std::move(credential).value();
  }
  const sigset_t stop = block_signals();

  auto server = Server::listen(arguments.listen);
  if (!server.ok()) return fail(server.status());
  arguments.backend.peer_address = (*server)->peer_address();
  if (arguments.peers) arguments.backend.peers = std::make_shared<PeerSender>();
  arguments.backend.on_device_lost = on_device_lost;
  arguments.backend.on_idle = give_back_free_memory;
  auto created = Backend::create(std::move(arguments.backend));
  if (!created.ok()) return fail(created.status());
  const std::shared_ptr<Backend> backend = std::move(created).value();

  std::unique_ptr<MetricsServer> metrics;
  if (arguments.metrics_port) {
    auto started = MetricsServer::start("127.0.0.1", *arguments.metrics_port, backend);
    if (!started.ok()) return fail(started.status());
    metrics = std::move(started).value();
    log::info("metrics", {{"url", "http://127.0.0.1:" + std::to_string(metrics->port()) + "/metrics"}});
  }
  (*server)->serve(backend);
  announce(**server, *backend);
  if (!arguments.port_file.empty()) {
    const uint16_t port = (*server)->port();
    const Status written =
        write_whole_file(arguments.port_file, (port != 0 ? std::to_string(port) : (*server)->address()) + "\n");
    if (!written.ok()) return fail(written);
  }
  return shut_down(**server, wait_for_signal(stop), arguments.drain_seconds);
}

}  // namespace
}  // namespace remote::worker

int main(int argc, char** argv) {
  remote::keep_memory_for_tensors();
  try {
    return remote::worker::run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "rt-worker: " << error.what() << std::endl;
  } catch (...) {
    std::cerr << "rt-worker: ended by an exception of unknown type" << std::endl;
  }
  return remote::worker::kExitFailed;
}
