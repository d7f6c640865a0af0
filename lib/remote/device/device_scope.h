#pragma once
#include <c10/core/Device.h>
#include <c10/core/impl/LocalDispatchKeySet.h>

#include <optional>
#include <string>

namespace remote {

/// Makes every factory that names no device (`torch::empty`, `torch::randn`, the constructor of any module) create its
/// tensor on `device`, in the calling thread, for as long as the scope lives. Scopes nest; the innermost counts.
///
/// A factory that names a device keeps it, and so does everything made from another tensor. Made on the CPU all the
/// same: `torch::tensor({...})`, `from_blob`, and what a thread started inside the scope makes. A data loader whose
/// sampler draws a permutation must be made and reset outside. Costs about a microsecond an op while it lives; nothing
/// otherwise.
///
/// Create and destroy on one thread. Throws for a device that is no "remote:N" and no "cpu".
class DeviceScope {
 public:
  explicit DeviceScope(c10::Device device);
  explicit DeviceScope(const std::string& device) : DeviceScope(c10::Device(device)) {}
  ~DeviceScope();
  DeviceScope(const DeviceScope&) = delete;
  DeviceScope& operator=(const DeviceScope&) = delete;

  /// The device of the calling thread's innermost scope.
  static std::optional<c10::Device> current();

 private:
  std::optional<c10::Device> outer_;
  c10::impl::IncludeDispatchKeyGuard include_;
};

}  // namespace remote
