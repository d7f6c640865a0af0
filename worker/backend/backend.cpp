#include <worker/backend/backend.h>

#include <torch/version.h>

#include <remote/base/credential.h>
#include <remote/wire/version.h>
#include <worker/backend/core.h>
#include <worker/backend/op_library.h>
#include <worker/backend/session.h>
#include <worker/backend/taped_ops.h>

namespace remote::worker {
namespace {

class BackendImpl final : public Backend {
 public:
  BackendImpl(BackendOptions options, std::unique_ptr<Device> device)
      : core_(std::make_shared<Core>(std::move(options), std::move(device))) {}

  ~BackendImpl() override {
    core_->executor.stop();
    for (const auto& session : core_->sessions()) {
      session->disconnect(/*keep_lease=*/false);
      session->expire();
    }
  }

  StatusOr<std::shared_ptr<Session>> open(const wire::Hello& hello, std::shared_ptr<wire::RecordSource> source,
                                          std::shared_ptr<SessionSink> sink) override {
    REMOTE_RETURN_IF_ERROR(check(hello));
    wire::Welcome welcome;
    welcome.protocol_version = wire::kProtocolVersion;
    welcome.torch_version = TORCH_VERSION;
    welcome.hardware.device = core_->device->device().type();
    welcome.hardware.threads = core_->executor.threads();
    welcome.hardware.onednn_dtypes = core_->device->onednn_dtypes();
    welcome.device_name = core_->device->name();
    welcome.session = draw_number();
    welcome.incarnation = core_->incarnation;
    welcome.peer_address = core_->options.peer_address;
    welcome.lease_ms = core_->options.lease_ms;
    welcome.limits = core_->options.limits;
    auto session = std::make_shared<SessionImpl>(core_, std::move(welcome), std::move(source), std::move(sink));
    core_->add(session);
    return std::shared_ptr<Session>(std::move(session));
  }

  std::string device_name() const override { return core_->device->name(); }

  BackendStatistics statistics() const override {
    BackendStatistics statistics;
    statistics.sessions = core_->session_count();
    statistics.sessions_opened = core_->sessions_opened();
    statistics.ops = core_->counters.ops;
    statistics.failed_ops = core_->counters.failed_ops;
    statistics.storages = core_->usage.storages;
    statistics.storage_bytes = core_->usage.bytes;
    return statistics;
  }

  bool drain(uint32_t timeout_ms) override {
    core_->draining = true;
    for (const auto& session : core_->sessions()) {
      if (session->leased()) session->expire();
    }
    return core_->wait_until_empty(Executor::Clock::now() + std::chrono::milliseconds(timeout_ms));
  }

 private:
  Status check(const wire::Hello& hello) const {
    if (hello.protocol_version != wire::kProtocolVersion) {
      const bool client_is_older = hello.protocol_version < wire::kProtocolVersion;
      return {StatusCode::kFailedPrecondition, "the client speaks protocol version " +
                                                   std::to_string(hello.protocol_version) + " and the worker version " +
                                                   std::to_string(wire::kProtocolVersion) + "; update the " +
                                                   (client_is_older ? "client" : "worker")};
    }
    if (!core_->options.credential.empty() && !same_secret(hello.credential, core_->options.credential)) {
      return {StatusCode::kUnauthenticated,
              hello.credential.empty()
                  ? "this worker asks for a credential, and none came: give its --credential-file to "
                    "the program, or ConnectOptions::credential"
                  : "this worker has another credential than the one that came: give the one in the file that "
                    "its --credential-file names"};
    }
    if (core_->draining) return {StatusCode::kUnavailable, "this worker is shutting down and takes no new session"};
    return core_->health();
  }

  const std::shared_ptr<Core> core_;
};

}  // namespace

StatusOr<std::unique_ptr<Backend>> Backend::create(BackendOptions options) {
  register_taped_ops();
  for (const std::string& library : options.op_libraries) REMOTE_RETURN_IF_ERROR(load_op_library(library));
  auto device = Device::create(options.device);
  if (!device.ok()) return device.status();
  return std::unique_ptr<Backend>(std::make_unique<BackendImpl>(std::move(options), std::move(device).value()));
}

}  // namespace remote::worker
