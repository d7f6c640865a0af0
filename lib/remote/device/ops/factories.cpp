// Making, resizing and re-pointing tensors: client metadata, no record.
#include <ATen/EmptyTensor.h>
#include <ATen/NativeFunctions.h>
#include <ATen/native/Resize.h>
#include <ATen/native/ResizeCommon.h>
#include <ATen/native/TensorFactories.h>
#include <c10/core/DeviceGuard.h>
#include <torch/library.h>

#include <remote/device/describe.h>
#include <remote/device/error.h>
#include <remote/device/recorder.h>
#include <remote/device/runtime.h>

namespace remote::device {
namespace {

constexpr auto kKeys = c10::DispatchKeySet(c10::DispatchKey::PrivateUse1);

c10::ScalarType checked_dtype(std::optional<at::ScalarType> dtype) {
  const auto type = c10::dtype_or_default(dtype);
  if (c10::isQIntType(type)) {
    throw_error(StatusCode::kUnimplemented, std::string("remote: quantized tensors (") + c10::toString(type) +
                                                ") are not supported; dequantize on the CPU first");
  }
  return type;
}

void check_layout(std::optional<at::Layout> layout) {
  if (!layout || *layout == c10::kStrided) return;
  std::ostringstream text;
  text << "remote: only dense (strided) tensors are supported, got layout " << *layout << "; use to_dense() first";
  throw_error(StatusCode::kUnimplemented, text.str());
}

/// The allocator makes storages on the current device.
c10::OptionalDeviceGuard on(std::optional<at::Device> device) {
  run_backward_on_this_thread();
  if (!device || !device->has_index()) return c10::OptionalDeviceGuard();
  Runtime::checked(device->index());
  return device->index() == Runtime::current_device() ? c10::OptionalDeviceGuard() : c10::OptionalDeviceGuard(device);
}

/// Under deterministic algorithms memory is never left as it comes, unless the program wants it so.
bool fills_new_memory() {
  const auto& context = at::globalContext();
  return C10_UNLIKELY(context.deterministicAlgorithms()) && context.deterministicFillUninitializedMemory();
}

at::Tensor settled(at::Tensor made) {
  if (fills_new_memory()) at::native::fill_empty_deterministic_(made);
  return made;
}

at::Tensor empty(c10::IntArrayRef size, std::optional<at::ScalarType> dtype, std::optional<at::Layout> layout,
                 std::optional<at::Device> device, std::optional<bool>, std::optional<at::MemoryFormat> memory_format) {
  check_layout(layout);
  const auto guard = on(device);
  return settled(at::detail::empty_generic(size, allocator(), kKeys, checked_dtype(dtype), memory_format));
}

at::Tensor empty_strided(c10::IntArrayRef size, c10::IntArrayRef stride, std::optional<at::ScalarType> dtype,
                         std::optional<at::Layout> layout, std::optional<at::Device> device, std::optional<bool>) {
  check_layout(layout);
  const auto guard = on(device);
  return settled(at::detail::empty_strided_generic(size, stride, allocator(), kKeys, checked_dtype(dtype)));
}

/// Its key says that it is zeros: LibTorch makes memory of it where an op has to read it.
at::Tensor efficient_zeros(c10::IntArrayRef size, std::optional<at::ScalarType> dtype, std::optional<at::Layout> layout,
                           std::optional<at::Device> device, std::optional<bool>) {
  check_layout(layout);
  const auto guard = on(device);
  const auto keys = kKeys | c10::DispatchKeySet(c10::DispatchKey::ZeroTensor);
  return at::detail::empty_generic(size, allocator(), keys, checked_dtype(dtype), std::nullopt);
}

void grow_storage(const at::Tensor& self) {
  const uint64_t needed =
      at::detail::computeStorageNbytes(self.sizes(), self.strides(), self.itemsize(), self.storage_offset());
  if (needed > self.storage().nbytes()) resize_storage(*self.storage().unsafeGetStorageImpl(), needed);
}

const at::Tensor& resize(const at::Tensor& self, c10::IntArrayRef size, std::optional<at::MemoryFormat> memory_format) {
  auto* impl = self.unsafeGetTensorImpl();
  if (self.sizes() != size) impl->set_sizes_contiguous(size);
  if (memory_format && *memory_format != at::MemoryFormat::Preserve) impl->empty_tensor_restride(*memory_format);
  const uint64_t before = self.storage().nbytes();
  grow_storage(self);
  if (fills_new_memory() && self.numel() > 0) {
    at::native::fill_resize_deterministic_(self, static_cast<int64_t>(before));
  }
  return self;
}

at::Tensor& set_storage_offset(at::Tensor& self, at::Storage source, int64_t offset, c10::IntArrayRef size,
                               c10::IntArrayRef stride) {
  TORCH_CHECK(source.device_type() == c10::DeviceType::PrivateUse1, "set_: expected a storage on ", self.device(),
              ", got one on ", source.device());
  at::native::checkSetStorage(self, std::move(source), offset, size, stride);
  auto* impl = self.unsafeGetTensorImpl();
  impl->set_storage_offset(offset);
  if (stride.data() != nullptr) {
    impl->set_sizes_and_strides(size, stride);
  } else {
    impl->set_sizes_contiguous(size);
  }
  grow_storage(self);
  return self;
}

at::Tensor& set_storage(at::Tensor& self, at::Storage source) {
  const auto elements = static_cast<int64_t>(source.nbytes() / self.itemsize());
  return set_storage_offset(self, std::move(source), 0, {elements}, {});
}

at::Tensor& set_tensor(at::Tensor& self, const at::Tensor& source) {
  return set_storage_offset(self, source.storage(), source.storage_offset(), source.sizes(), source.strides());
}

at::Tensor& set_nothing(at::Tensor& self) {
  auto* impl = self.unsafeGetTensorImpl();
  impl->set_storage_keep_dtype(make_storage(0, self.device().index()));
  impl->set_storage_offset(0);
  impl->set_sizes_contiguous({0});
  return self;
}

/// LibTorch has a kernel for each device, which an op that makes a tensor can't reach: computed here, and uploaded.
at::Tensor kaiser_window_beta(int64_t length, bool periodic, double beta, std::optional<at::ScalarType> dtype,
                              std::optional<at::Layout> layout, std::optional<at::Device> device,
                              std::optional<bool> /*pin_memory*/) {
  check_layout(layout);
  const auto window = at::kaiser_window(length, periodic, beta, at::TensorOptions(at::kCPU).dtype(dtype));
  return window.to(device.value_or(c10::Device(c10::DeviceType::PrivateUse1)));
}

at::Tensor kaiser_window_periodic(int64_t length, bool periodic, std::optional<at::ScalarType> dtype,
                                  std::optional<at::Layout> layout, std::optional<at::Device> device,
                                  std::optional<bool> pin_memory) {
  constexpr double kBeta = 12;  // LibTorch's default
  return kaiser_window_beta(length, periodic, kBeta, dtype, layout, device, pin_memory);
}

at::Tensor kaiser_window(int64_t length, std::optional<at::ScalarType> dtype, std::optional<at::Layout> layout,
                         std::optional<at::Device> device, std::optional<bool> pin_memory) {
  return kaiser_window_periodic(length, /*periodic=*/true, dtype, layout, device, pin_memory);
}

/// Lets Module::to() and set_data() put a remote tensor where a CPU tensor was, and the other way round.
bool has_compatible_shallow_copy_type(const at::Tensor& self, const at::Tensor& from) {
  return self.layout() == c10::kStrided && from.layout() == c10::kStrided;
}

TORCH_LIBRARY_IMPL(aten, PrivateUse1, m) {
  m.impl("empty.memory_format", &empty);
  m.impl("empty_strided", &empty_strided);
  m.impl("_efficientzerotensor", &efficient_zeros);
  m.impl("kaiser_window", &kaiser_window);
  m.impl("kaiser_window.periodic", &kaiser_window_periodic);
  m.impl("kaiser_window.beta", &kaiser_window_beta);
  m.impl("resize_", &resize);
  m.impl("set_", &set_nothing);
  m.impl("set_.source_Tensor", &set_tensor);
  m.impl("set_.source_Storage", &set_storage);
  m.impl("set_.source_Storage_storage_offset", &set_storage_offset);
  m.impl("is_set_to", &at::native::is_set_to);
  m.impl("_has_compatible_shallow_copy_type", &has_compatible_shallow_copy_type);
}

}  // namespace
}  // namespace remote::device
