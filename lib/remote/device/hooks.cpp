// What LibTorch asks a PrivateUse1 backend for, and the backend's name.
#include <ATen/detail/PrivateUse1HooksInterface.h>
#include <c10/core/CPUAllocator.h>

#include <remote/device/error.h>
#include <remote/device/generator.h>
#include <remote/device/runtime.h>

namespace remote::device {
namespace {

class Hooks final : public at::PrivateUse1HooksInterface {
 public:
  bool isBuilt() const override { return true; }
  bool isAvailable() const override { return true; }
  bool hasPrimaryContext(c10::DeviceIndex) const override { return true; }
  c10::DeviceIndex deviceCount() const override { return kDeviceCount; }
  c10::DeviceIndex getCurrentDevice() const override { return Runtime::current_device(); }
  void setCurrentDevice(c10::DeviceIndex device) const override { Runtime::set_current_device(device); }
  c10::DeviceIndex exchangeDevice(c10::DeviceIndex device) const override {
    const auto previous = Runtime::current_device();
    Runtime::set_current_device(device);
    return previous;
  }
  c10::DeviceIndex maybeExchangeDevice(c10::DeviceIndex device) const override { return exchangeDevice(device); }

  const at::Generator& getDefaultGenerator(c10::DeviceIndex device) const override {
    return default_generator(device < 0 ? Runtime::current_device() : device);
  }
  at::Generator getNewGenerator(c10::DeviceIndex device) const override {
    return new_generator(device < 0 ? Runtime::current_device() : device);
  }

  at::Device getDeviceFromPtr(void*) const override {
    throw_error(
        StatusCode::kInvalidArgument,
        "remote: a remote tensor has no address; from_blob() can't make one: upload with RemoteTensor::from_local()");
  }
  bool isPinnedPtr(const void*) const override { return false; }
  at::Allocator* getPinnedMemoryAllocator() const override { return c10::GetCPUAllocator(); }
  void resizePrivateUse1Bytes(const c10::Storage& storage, size_t bytes) const override {
    resize_storage(*storage.unsafeGetStorageImpl(), bytes);
  }
};

/// Static registration: whoever links or loads the library has the device.
const bool registered = [] {
  c10::SetAllocator(c10::DeviceType::PrivateUse1, allocator());
  at::RegisterPrivateUse1HooksInterface(new Hooks());
  c10::register_privateuse1_backend("remote");
  return true;
}();

}  // namespace
}  // namespace remote::device
