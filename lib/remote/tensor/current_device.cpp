#include <remote/tensor/current_device.h>

#include <remote/device/device_scope.h>
#include <remote/device/runtime.h>

namespace remote {

c10::Device current_remote_device() {
  const auto scope = DeviceScope::current();
  if (scope && scope->is_privateuseone()) return *scope;
  return {c10::DeviceType::PrivateUse1, device::Runtime::current_device()};
}

c10::Device current_device() {
  const auto scope = DeviceScope::current();
  return scope ? *scope : current_remote_device();
}

}  // namespace remote
