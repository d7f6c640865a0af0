#include <ATen/CPUGeneratorImpl.h>
#include <c10/core/CPUAllocator.h>

#include <cstring>

#include <worker/backend/device.h>

namespace remote::worker {
namespace {

class CpuDevice final : public Device {
 public:
  CpuDevice() : Device(c10::Device(c10::kCPU), "cpu", c10::DispatchKeySet(c10::DispatchKey::CPU)) {}

  at::Generator make_generator(uint64_t seed) override { return at::make_generator<at::CPUGeneratorImpl>(seed); }
  c10::Allocator* allocator() override { return c10::GetCPUAllocator(); }
  c10::DataPtr allocate_host(uint64_t bytes) override { return c10::GetCPUAllocator()->allocate(bytes); }

  void write(const c10::Storage& to, uint64_t offset, c10::DataPtr from, uint64_t bytes) override {
    if (bytes != 0) std::memcpy(static_cast<char*>(to.mutable_data()) + offset, from.get(), bytes);
  }

  c10::DataPtr read(const at::Tensor& dense) override {
    c10::DataPtr bytes = allocate_host(dense.nbytes());
    if (dense.nbytes() != 0) std::memcpy(bytes.get(), dense.const_data_ptr(), dense.nbytes());
    return bytes;
  }

  c10::Storage adopt(c10::DataPtr bytes, uint64_t size) override {
    return c10::Storage(c10::Storage::use_byte_size_t(), size, std::move(bytes), allocator(), /*resizable=*/true);
  }

  void zero(const c10::Storage& storage) override {
    if (storage.nbytes() != 0) std::memset(storage.mutable_data(), 0, storage.nbytes());
  }
};

}  // namespace

std::unique_ptr<Device> make_cpu_device() {
  return std::make_unique<CpuDevice>();
}

}  // namespace remote::worker
