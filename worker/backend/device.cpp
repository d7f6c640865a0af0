#include <worker/backend/device.h>

#include <charconv>

namespace remote::worker {

c10::Storage Device::allocate(uint64_t bytes) {
  return c10::Storage(c10::Storage::use_byte_size_t(), bytes, allocator()->allocate(bytes), allocator(),
                      /*resizable=*/true);
}

c10::Storage Device::adopt(c10::DataPtr bytes, uint64_t size) {
  c10::Storage storage = allocate(size);
  write(storage, 0, std::move(bytes), size);
  return storage;
}

StatusOr<std::unique_ptr<Device>> Device::create(const std::string& name) {
  if (name == "cpu") return make_cpu_device();
  if (name == "auto") {
    if (cuda_device_count() > 0) return make_cuda_device(0);
    return make_cpu_device();
  }
  constexpr std::string_view kCuda = "cuda";
  std::string_view text = name;
  if (text.starts_with(kCuda)) {
    text.remove_prefix(kCuda.size());
    if (text.empty()) return make_cuda_device(0);
    int index = -1;
    const auto [end, error] = std::from_chars(text.data() + 1, text.data() + text.size(), index);
    if (text.front() == ':' && error == std::errc() && end == text.data() + text.size() && index >= 0) {
      return make_cuda_device(index);
    }
  }
  return Status(StatusCode::kInvalidArgument,
                "\"" + name + "\" is no device of a worker; expected auto, cpu, cuda or cuda:N");
}

}  // namespace remote::worker
