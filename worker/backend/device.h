#pragma once
#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>
#include <c10/core/Allocator.h>
#include <c10/core/Device.h>
#include <c10/core/DispatchKeySet.h>
#include <c10/core/Storage.h>

#include <cstdint>
#include <memory>
#include <string>

#include <remote/base/status.h>
#include <remote/wire/dtype_set.h>

namespace remote::worker {

/// A point in a lane's work that the host can wait for. Used on the executor thread.
class Ticket {
 public:
  virtual ~Ticket() = default;
  virtual bool done() = 0;
  virtual void wait() = 0;
};

/// One session's order on the device: a stream on CUDA, nothing on CPU, where work is done when the call returns.
class Lane {
 public:
  virtual ~Lane() = default;
  /// Makes this lane the current one of the executor thread.
  virtual void enter() {}
  /// All that was queued so far; null when that is done already.
  virtual std::unique_ptr<Ticket> mark() { return nullptr; }
  /// Waits for all that was queued.
  virtual void wait() {}
};

/// What differs between CPU and CUDA. allocate_host() may be called from any thread, what is const after bind_thread()
/// too, the rest on the executor thread.
class Device {
 public:
  virtual ~Device() = default;
  /// "auto", "cpu", "cuda" or "cuda:N". INVALID_ARGUMENT: no such string. UNAVAILABLE: the device is not there.
  static StatusOr<std::unique_ptr<Device>> create(const std::string& name);

  c10::Device device() const { return device_; }
  /// For the handshake and for errors: "cpu", "cuda:0 (NVIDIA H200)".
  const std::string& name() const { return name_; }
  c10::DispatchKeySet keys() const { return keys_; }
  bool is_cpu() const { return device_.is_cpu(); }
  /// The dtypes in which oneDNN convolves here, bit N for c10::ScalarType N.
  virtual wire::DtypeSet onednn_dtypes() const { return {}; }

  /// Makes this device the current one of the calling thread; once, by the executor thread.
  virtual void bind_thread() {}
  virtual std::unique_ptr<Lane> make_lane() { return std::make_unique<Lane>(); }
  virtual at::Generator make_generator(uint64_t seed) = 0;
  virtual c10::Allocator* allocator() = 0;
  /// Whether an error has destroyed the device's context; asked after an op has thrown.
  virtual bool lost() { return false; }

  /// Memory that bulk data goes through.
  virtual c10::DataPtr allocate_host(uint64_t bytes) = 0;
  /// Queues a copy from such memory into a storage. Keeps `from` until it is done.
  virtual void write(const c10::Storage& to, uint64_t offset, c10::DataPtr from, uint64_t bytes) = 0;
  /// Queues a copy of a dense tensor into such memory.
  virtual c10::DataPtr read(const at::Tensor& dense) = 0;
  /// A storage with just these bytes; takes them over where the device can.
  virtual c10::Storage adopt(c10::DataPtr bytes, uint64_t size);

  /// A storage of `bytes`. Throws what the allocator throws.
  c10::Storage allocate(uint64_t bytes);
  virtual void zero(const c10::Storage& storage) = 0;

 protected:
  Device(c10::Device device, std::string name, c10::DispatchKeySet keys)
      : device_(device), name_(std::move(name)), keys_(keys) {}

 private:
  const c10::Device device_;
  const std::string name_;
  const c10::DispatchKeySet keys_;
};

std::unique_ptr<Device> make_cpu_device();
/// UNAVAILABLE when this build or this machine has no such CUDA device.
StatusOr<std::unique_ptr<Device>> make_cuda_device(int index);
/// How many CUDA devices this build can use.
int cuda_device_count();

}  // namespace remote::worker
