#include <remote/device/sessions.h>

#include <remote/device/error.h>
#include <remote/device/runtime.h>

namespace remote::device {

c10::DeviceIndex remote_index(c10::Device device, const char* what) {
  if (!device.is_privateuseone()) {
    throw_error(StatusCode::kInvalidArgument,
                std::string(what) + ": expected a device \"remote:N\", got \"" + device.str() + "\"");
  }
  const c10::DeviceIndex index = device.has_index() ? device.index() : Runtime::current_device();
  Runtime::checked(index);
  return index;
}

std::vector<std::shared_ptr<client::Session>> connected_sessions(std::optional<c10::Device> device, const char* what) {
  auto& runtime = Runtime::get();
  if (!device) return runtime.sessions();
  auto session = runtime.session_if_connected(remote_index(*device, what));
  if (session == nullptr) return {};
  return {std::move(session)};
}

}  // namespace remote::device
