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

/// A place in the stream of a device.
struct Event {
  std::shared_ptr<client::Session> session;
  std::shared_ptr<client::PendingValue> mark;  ///< null: nothing was recorded before
};

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
    return c10::Stream(c10::Stream::DEFAULT, device.has_index() ? device : getDevice());
  }
  c10::Stream getNewStream(c10::Device device, int) const override { return getDefaultStream(device); }
  c10::Stream exchangeStream(c10::Stream stream) const override { return stream; }
  c10::DeviceIndex deviceCount() const noexcept override { return kDeviceCount; }
  void record(void** event, const c10::Stream& stream, const c10::DeviceIndex, const c10::EventFlag) const override {
    if (*event == nullptr) *event = new Event();
    auto session = Runtime::get().session_if_connected(stream.device_index());
    auto mark = session ? session->request_mark() : nullptr;
    *static_cast<Event*>(*event) = {std::move(session), std::move(mark)};
  }
  void destroyEvent(void* event, const c10::DeviceIndex) const noexcept override { delete static_cast<Event*>(event); }
  // The work of a device is done in order, so nothing needs to be held back.
  void block(void*, const c10::Stream&) const override {}
  bool queryEvent(void* event) const override {
    return event == nullptr || !static_cast<Event*>(event)->mark || static_cast<Event*>(event)->mark->ready();
  }
  bool queryStream(const c10::Stream& stream) const override {
    const auto session = Runtime::get().session_if_connected(stream.device_index());
    return session == nullptr || session->has_run_all();
  }
  void synchronizeEvent(void* event) const override {
    if (event == nullptr || !static_cast<Event*>(event)->mark) return;
    const auto& [session, mark] = *static_cast<Event*>(event);
    if (!mark->ready()) session->count_synchronisation("Event.synchronize");
    throw_if_error(mark->wait().status());
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
