// The CUDA side of Device; without REMOTE_CUDA, only the answer that there is none.
#include <worker/backend/device.h>

#ifdef REMOTE_CUDA
#include <ATen/core/CachingHostAllocator.h>
#include <ATen/cuda/CUDAGeneratorImpl.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAStream.h>
#include <cuda_runtime_api.h>
#endif

namespace remote::worker {

#ifdef REMOTE_CUDA
namespace {

class CudaTicket final : public Ticket {
 public:
  explicit CudaTicket(const c10::cuda::CUDAStream& stream) {
    C10_CUDA_CHECK(cudaEventCreateWithFlags(&event_, cudaEventDisableTiming));
    C10_CUDA_CHECK(cudaEventRecord(event_, stream));
  }
  ~CudaTicket() override { (void)cudaEventDestroy(event_); }
  bool done() override {
    const cudaError_t state = cudaEventQuery(event_);
    if (state == cudaErrorNotReady) return (void)cudaGetLastError(), false;
    C10_CUDA_CHECK(state);
    return true;
  }
  void wait() override { C10_CUDA_CHECK(cudaEventSynchronize(event_)); }

 private:
  cudaEvent_t event_ = nullptr;
};

class CudaLane final : public Lane {
 public:
  explicit CudaLane(c10::DeviceIndex device)
      : stream_(c10::cuda::getStreamFromPool(/*isHighPriority=*/false, device)) {}
  void enter() override { c10::cuda::setCurrentCUDAStream(stream_); }
  std::unique_ptr<Ticket> mark() override { return std::make_unique<CudaTicket>(stream_); }
  void wait() override { stream_.synchronize(); }

 private:
  const c10::cuda::CUDAStream stream_;
};

class CudaDevice final : public Device {
 public:
  CudaDevice(c10::DeviceIndex index, std::string name)
      : Device(c10::Device(c10::kCUDA, index), std::move(name), c10::DispatchKeySet(c10::DispatchKey::CUDA)) {}

  void bind_thread() override { c10::cuda::set_device(device().index()); }
  std::unique_ptr<Lane> make_lane() override { return std::make_unique<CudaLane>(device().index()); }

  at::Generator make_generator(uint64_t seed) override {
    at::Generator generator = at::cuda::detail::createCUDAGenerator(device().index());
    generator.set_current_seed(seed);
    return generator;
  }

  c10::Allocator* allocator() override { return c10::cuda::CUDACachingAllocator::get(); }

  bool lost() override {
    // An error that destroys the context is returned by every later call; any other is gone once it was read.
    (void)cudaGetLastError();
    return cudaDeviceSynchronize() != cudaSuccess;
  }

  // By name: with another accelerator registered in the process, the "current accelerator" need not be CUDA.
  c10::DataPtr allocate_host(uint64_t bytes) override { return at::getHostAllocator(at::kCUDA)->allocate(bytes); }

  void write(const c10::Storage& to, uint64_t offset, c10::DataPtr from, uint64_t bytes) override {
    if (bytes == 0) return;
    const auto stream = c10::cuda::getCurrentCUDAStream(device().index());
    C10_CUDA_CHECK(cudaMemcpyAsync(static_cast<char*>(to.mutable_data()) + offset, from.get(), bytes,
                                   cudaMemcpyHostToDevice, stream));
    keep_until_done(from, stream);
  }

  c10::DataPtr read(const at::Tensor& dense) override {
    c10::DataPtr bytes = allocate_host(dense.nbytes());
    if (dense.nbytes() == 0) return bytes;
    const auto stream = c10::cuda::getCurrentCUDAStream(device().index());
    C10_CUDA_CHECK(
        cudaMemcpyAsync(bytes.get(), dense.const_data_ptr(), dense.nbytes(), cudaMemcpyDeviceToHost, stream));
    keep_until_done(bytes, stream);
    return bytes;
  }

  void zero(const c10::Storage& storage) override {
    if (storage.nbytes() == 0) return;
    C10_CUDA_CHECK(cudaMemsetAsync(storage.mutable_data(), 0, storage.nbytes(),
                                   c10::cuda::getCurrentCUDAStream(device().index())));
  }

 private:
  /// The caching host allocator gives the block to nobody else before the stream has come past this point.
  static void keep_until_done(const c10::DataPtr& bytes, const c10::cuda::CUDAStream& stream) {
    at::getHostAllocator(at::kCUDA)->record_event(bytes.get(), bytes.get_context(), stream);
  }
};

}  // namespace

int cuda_device_count() {
  return c10::cuda::device_count();
}

StatusOr<std::unique_ptr<Device>> make_cuda_device(int index) {
  const int count = cuda_device_count();
  if (index >= count) {
    return Status(StatusCode::kUnavailable, "there is no cuda:" + std::to_string(index) + " here: " +
                                                (count == 0 ? std::string("no CUDA device was found")
                                                            : std::to_string(count) + " CUDA device(s) were found"));
  }
  try {
    const auto device = static_cast<c10::DeviceIndex>(index);
    cudaDeviceProp properties;
    C10_CUDA_CHECK(cudaGetDeviceProperties(&properties, index));
    std::string name = "cuda:" + std::to_string(index) + " (" + properties.name + ")";
    return std::unique_ptr<Device>(std::make_unique<CudaDevice>(device, std::move(name)));
  } catch (const c10::Error& error) {
    return Status(StatusCode::kUnavailable,
                  "cuda:" + std::to_string(index) + " can't be used: " + error.what_without_backtrace());
  }
}
#else
int cuda_device_count() {
  return 0;
}

StatusOr<std::unique_ptr<Device>> make_cuda_device(int index) {
  return Status(StatusCode::kUnavailable,
                "there is no cuda:" + std::to_string(index) +
                    " here: this build runs on the CPU only (configure with -DREMOTE_CUDA=ON)");
}
#endif

}  // namespace remote::worker
