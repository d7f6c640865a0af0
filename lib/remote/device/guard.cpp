// The device guard: the current device of each thread. There are no streams to choose from: a device has one ordered
// stream.
#include <ATen/core/Tensor.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <torch/library.h>

#include <remote/device/error.h>
#include <remote/device/runtime.h>

namespace remote::device {
namespace {

constexpr auto kType = c10::DeviceType::PrivateUse1;

class Guard final : public c10::impl::DeviceGuardImplInterface {
 public:
  c10::DeviceType type() const override { return kType; }
  c10::Device exchangeDevice(c10::Device device) const override {
    const auto previous = getDevice();
    setDevice(device);
    return previous;
  }
  c10::Device getDevice() const override { return {kType, Runtime::current_device()}; }
  void setDevice(c10::Device device) const override {
    if (device.has_index()) Runtime::set_current_device(device.index());
  }
  void uncheckedSetDevice(c10::Device device) const noexcept override {
    if (device.index() >= 0 && device.index() < kDeviceCount) Runtime::set_current_device(device.index());
  }
  c10::Stream getStream(c10::Device device) const override { return getDefaultStream(device); }
  c10::Stream getDefaultStream(c10::Device device) const override {
    return c10::Stream(c10::Stream::DEFAULT, device);
  }
  c10::Stream getNewStream(c10::Device device, int) const override { return getDefaultStream(device); }
  c10::Stream exchangeStream(c10::Stream stream) const override { return stream; }
  c10::DeviceIndex deviceCount() const noexcept override { return kDeviceCount; }
  // An event is the device whose stream it was recorded in. Work is done in order, so nothing needs to be held back.
  void record(void** event, const c10::Stream& stream, const c10::DeviceIndex, const c10::EventFlag) const override {
    if (*event == nullptr) *event = new c10::DeviceIndex();
    *static_cast<c10::DeviceIndex*>(*event) = stream.device_index();
  }
  void destroyEvent(void* event, const c10::DeviceIndex) const noexcept override {
    delete static_cast<c10::DeviceIndex*>(event);
  }
  void block(void*, const c10::Stream&) const override {}
  bool queryEvent(void*) const override { return true; }
  bool queryStream(const c10::Stream&) const override { return true; }
  void synchronizeEvent(void* event) const override {
    if (event != nullptr) synchronizeDevice(*static_cast<c10::DeviceIndex*>(event));
  }
  void synchronizeStream(const c10::Stream& stream) const override { synchronizeDevice(stream.device_index()); }
  void synchronizeDevice(const c10::DeviceIndex device) const override {
    if (auto session = Runtime::get().session_if_connected(device)) throw_if_error(session->synchronize());
  }
};

C10_REGISTER_GUARD_IMPL(PrivateUse1, Guard);

TORCH_LIBRARY_IMPL(aten, PrivateUse1, m) {
  // Memory is freed in the order of the device, after what was recorded before.
  m.impl("record_stream", [](at::Tensor&, c10::Stream) {});
}

}  // namespace
}  // namespace remote::device
