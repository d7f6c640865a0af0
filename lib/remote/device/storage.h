#pragma once
#include <c10/core/Allocator.h>
#include <c10/core/Storage.h>
#include <c10/core/TensorImpl.h>

#include <cstdint>
#include <optional>
#include <string_view>

namespace remote::device {

/// The number of devices "remote:N": a constant from load, because the autograd engine sizes its queues once.
inline constexpr c10::DeviceIndex kDeviceCount = 16;

/// What a remote storage is on the client: an id and metadata, kept alive by the storage's DataPtr. Its data pointer is
/// null, so that reading memory through it throws.
///
/// `announced` and `bytes` are guarded by the lock of the device's record stream once the storage may be shared.
struct StorageContext {
  uint64_t id;
  uint64_t bytes;
  c10::DeviceIndex device;
  bool announced = false;  ///< the stream has mentioned this storage, so the worker must be told when it goes
  bool opaque = false;     ///< only the worker knows its size; can't be read here
  uint32_t scope = 0;      ///< NameScope that was open when it was made
  StorageContext* previous = nullptr;  // the registry's list
  StorageContext* next = nullptr;

  /// Its length, where the stream has not mentioned it before, which it does now. Under the stream's lock.
  std::optional<uint64_t> announce() {
    if (announced) return std::nullopt;
    announced = true;
    return bytes;
  }
};

/// The allocator of PrivateUse1: makes an id and nothing else. No round trip, no memory but the context.
c10::Allocator* allocator();

/// A storage of `bytes` on remote:`device` with a new id (or with `id`, when it was reserved before).
c10::Storage make_storage(uint64_t bytes, c10::DeviceIndex device, uint64_t id = 0);

/// The context of a remote storage; nullptr for one that has none (an undefined or foreign storage).
StorageContext* context_of(const c10::Storage& storage);
inline StorageContext* context_of(const c10::TensorImpl& tensor) {
  return tensor.has_storage() ? context_of(tensor.unsafe_storage()) : nullptr;
}
/// Whether the stream has not mentioned its storage so far: nothing was written into it or read from it.
inline bool is_untouched(const c10::TensorImpl& tensor) {
  const auto* context = context_of(tensor);
  return context != nullptr && !context->announced;
}

/// Remembers the parameter that a storage holds, for storage_registry().
void name_storage(const StorageContext& context, std::string_view name);

/// Grows or shrinks a storage here and on its worker; content that fits is kept.
void resize_storage(c10::StorageImpl& storage, uint64_t bytes);

}  // namespace remote::device
