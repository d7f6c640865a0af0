#pragma once
#include <c10/core/Device.h>

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <remote/client/session.h>

namespace remote::device {

// For the API above: devices as its callers name them. Thread-safe.

/// The number N of "remote:N", or of the calling thread's current device for "remote". Throws remote::Error for another
/// kind of device; `what` is the function that was asked.
c10::DeviceIndex remote_index(c10::Device device, const char* what);

/// The session of a device, if it has one, or all sessions. Connects nothing.
std::vector<std::shared_ptr<client::Session>> connected_sessions(std::optional<c10::Device> device, const char* what);

}  // namespace remote::device
