#include <ATen/CPUGeneratorImpl.h>
#include <ATen/native/ConvUtils.h>
#include <c10/core/CPUAllocator.h>

#include <cstring>

#include <worker/backend/device.h>

namespace remote::worker {
namespace {

bool convolves_by_onednn(at::ScalarType dtype) {
  const at::Tensor probe = at::zeros({2, 1, 3, 3}, dtype);  // of a batch of one, other kernels are quicker
  const c10::SymInt ones[] = {1, 1}, zeros[] = {0, 0};
  return at::native::select_conv_backend(probe, probe.narrow(0, 0, 1), std::nullopt, ones, zeros, ones, false, zeros, 1,
                                         std::nullopt) == at::native::ConvBackend::Mkldnn;
}

wire::DtypeSet find_onednn_dtypes() {
  wire::DtypeSet dtypes;
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16, at::kHalf}) {
    if (convolves_by_onednn(dtype)) dtypes.insert(dtype);
  }
  return dtypes;
}

class CpuDevice final : public Device {
 public:
  CpuDevice() : Device(c10::Device(c10::kCPU), "cpu", c10::DispatchKeySet(c10::DispatchKey::CPU)) {}

  void bind_thread() override { onednn_dtypes_ = find_onednn_dtypes(); }
  wire::DtypeSet onednn_dtypes() const override { return onednn_dtypes_; }
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

 private:
  wire::DtypeSet onednn_dtypes_;
};

}  // namespace

std::unique_ptr<Device> make_cpu_device() {
  return std::make_unique<CpuDevice>();
}

}  // namespace remote::worker
