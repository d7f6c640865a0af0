#pragma once
#include <ATen/core/Generator.h>
#include <c10/core/Device.h>

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <remote/client/session.h>
#include <remote/device/storage.h>

namespace remote::device {

/// Which session serves which device index, and what this process does at its end. One per process, leaked.
/// Thread-safe.
class Runtime {
 public:
  static Runtime& get();

  /// Connects remote:0, remote:1, ... to these addresses, in order. Throws Error when a device is connected elsewhere
  /// already, or when a worker can't be reached.
  void connect(const std::vector<std::string>& addresses, const client::SessionOptions& options);
  /// Ends the session of a device: the worker frees all its storages, tensors of the device become unusable.
  void disconnect(c10::DeviceIndex device);

  /// The device's session. The first use connects: to the N-th address of REMOTE_WORKERS when that is set, else to a
  /// worker embedded in this process. Throws Error, and keeps throwing it, when the worker is gone.
  client::Session& session(c10::DeviceIndex device) {
    if (auto* session = fast_[checked(device)].load(std::memory_order_acquire)) return *session;
    return connect_on_first_use(device);
  }
  /// What computes for remote:N. Connects as session() does.
  const wire::Hardware& hardware(c10::DeviceIndex device) { return session(device).welcome().hardware; }
  /// The session if there is one, without connecting.
  std::shared_ptr<client::Session> session_if_connected(c10::DeviceIndex device);
  /// How many devices there is a reason to count: those with an address or a session, one at least. All of
  /// kDeviceCount can be used.
  int device_count();
  /// Whether this is a forked child of a process that had a session, whose tensors it can't use. Takes no lock.
  bool is_in_bad_fork() const;
  /// All sessions that are connected.
  std::vector<std::shared_ptr<client::Session>> sessions();

  /// Waits until all that was recorded has run, for as long as a program that ends may take, and prints what went
  /// wrong.
  static void drain();

  /// Waits, for ten seconds at most, until the workers in this process have run what was recorded, because something
  /// that they share with it is about to change. Counts as a synchronisation at `place`. Reports no errors.
  static void finish_embedded(std::string_view place);

  /// Puts a release into the device's stream; never blocks.
  void release(c10::DeviceIndex device, uint64_t storage) noexcept;
  void resize(const StorageContext& context, uint64_t bytes);

  /// The calling thread's current device, as c10::DeviceGuard sets it.
  static c10::DeviceIndex current_device() { return current_; }
  static void set_current_device(c10::DeviceIndex device) { current_ = static_cast<c10::DeviceIndex>(checked(device)); }

  /// Throws for an index that is no device.
  static size_t checked(int64_t device) {
    TORCH_CHECK(device >= 0 && device < kDeviceCount, "remote:", device,
                " is no device: this process has remote:0 to remote:", kDeviceCount - 1);
    return static_cast<size_t>(device);
  }

 private:
  Runtime() = default;
  client::Session& connect_on_first_use(c10::DeviceIndex device);
  void attach(c10::DeviceIndex device, const std::string& address, client::SessionOptions options);
  static void at_exit();

  static inline thread_local c10::DeviceIndex current_ = 0;
  std::mutex mutex_;  // guards sessions_ and connecting
  std::array<std::shared_ptr<client::Session>, kDeviceCount> sessions_;
  std::array<std::atomic<client::Session*>, kDeviceCount> fast_{};
  std::vector<std::shared_ptr<client::Session>> closed_;  // shells: raw pointers to them may still be in use
  bool exit_handler_registered_ = false;
};

/// Whether it is a remote tensor whose worker computes on devices of this kind. False for those of Python's classes
/// that only have its looks, such as FakeTensor, whose sizes may be symbols: they take LibTorch's own code.
inline bool worker_is(c10::DeviceType kind, const at::Tensor& tensor) {
  if (tensor.unsafeGetTensorImpl()->is_python_dispatch()) return false;
  const c10::Device device = tensor.device();
  return device.type() == c10::DeviceType::PrivateUse1 && Runtime::get().hardware(device.index()).device == kind;
}

}  // namespace remote::device
