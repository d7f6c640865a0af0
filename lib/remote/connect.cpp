#include <remote/connect.h>

#include <remote/base/waiting.h>
#include <remote/device/error.h>
#include <remote/device/runtime.h>
#include <remote/device/sessions.h>

namespace remote {

namespace {

/// The first error, with the texts of later ones behind its own.
void add_error(Status& all, Status next) {
  if (all.ok()) {
    all = std::move(next);
  } else if (!next.ok()) {
    all = Status(all.code(), all.message() + "; and " + next.message());
  }
}

/// Waits for every session.
Status synchronize_all(const std::vector<std::shared_ptr<client::Session>>& sessions, const char* place,
                       std::optional<std::chrono::milliseconds> timeout) {
  Status errors;
  for (const auto& session : sessions) {
    add_error(errors, session->synchronize(place, timeout));
  }
  return errors;
}

}  // namespace

void connect(const std::vector<std::string>& addresses, const ConnectOptions& options) {
  client::SessionOptions session_options;
  session_options.connect.timeout = options.timeout;
  session_options.connect.keepalive_timeout = options.keepalive_timeout;
  session_options.credential = options.credential;
  session_options.warn_sync = options.warn_sync;
  session_options.record_sites = options.record_sites;
  device::Runtime::get().connect(addresses, session_options);
}

void disconnect(std::optional<c10::Device> device) {
  throw_if_error(may_wait());
  auto& runtime = device::Runtime::get();
  const c10::DeviceIndex first = device ? device::remote_index(*device, "remote::disconnect") : 0;
  const c10::DeviceIndex last = device ? first : device::kDeviceCount - 1;
  Status status;
  for (c10::DeviceIndex index = first; index <= last; ++index) {
    auto session = runtime.session_if_connected(index);
    if (session == nullptr) continue;
    // A session that has ended already has nothing left to say.
    if (session->alive()) {
      add_error(status, session->synchronize("remote::disconnect"));
    }
    runtime.disconnect(index);
  }
  throw_if_error(status);
}

void synchronize(std::optional<c10::Device> device, std::optional<std::chrono::milliseconds> timeout) {
  throw_if_error(
      synchronize_all(device::connected_sessions(device, "remote::synchronize"), "remote::synchronize", timeout));
}

void clear_errors(std::optional<c10::Device> device) {
  Status errors;
  for (const auto& session : device::connected_sessions(device, "remote::clear_errors")) {
    add_error(errors, session->clear_errors());
  }
  throw_if_error(errors);
}

}  // namespace remote
