#include <remote/device/storage.h>

#include <c10/core/CachingDeviceAllocator.h>

#include <algorithm>
#include <array>
#include <mutex>
#include <unordered_map>

#include <remote/client/session.h>
#include <remote/device/error.h>
#include <remote/device/name_scope.h>
#include <remote/device/runtime.h>
#include <remote/device/storage_registry.h>
#include <remote/wire/limits.h>

namespace remote::device {
namespace {

/// What the storages of one device have taken so far, in bytes or in number.
struct Tally {
  int64_t current = 0, peak = 0, allocated = 0, freed = 0;

  void add(uint64_t amount) {
    current += static_cast<int64_t>(amount);
    allocated += static_cast<int64_t>(amount);
    peak = std::max(peak, current);
  }
  void remove(uint64_t amount) {
    current -= static_cast<int64_t>(amount);
    freed += static_cast<int64_t>(amount);
  }
  template <class Stat>
  void write(Stat& stat) const {
    stat.current = current;
    stat.peak = peak;
    stat.allocated = allocated;
    stat.freed = freed;
  }
};

/// Every live context, in a list that lives inside the contexts: making and dropping a storage costs two pointer swaps.
/// Leaked, because deleters run until the last thread has ended.
struct Registry {
  std::mutex mutex;
  StorageContext* head = nullptr;
  std::unordered_map<uint64_t, std::string> names;
  struct Memory {
    Tally bytes, storages;
  };
  std::array<Memory, kDeviceCount> memory;

  Memory& memory_of(const StorageContext& context) { return memory[static_cast<size_t>(context.device)]; }
  uint64_t count() const {
    int64_t sum = 0;
    for (const Memory& of_device : memory) sum += of_device.storages.current;
    return static_cast<uint64_t>(sum);
  }

  void add(StorageContext* context) {
    std::lock_guard lock(mutex);
    memory_of(*context).bytes.add(context->bytes);
    memory_of(*context).storages.add(1);
    context->next = head;
    if (head != nullptr) head->previous = context;
    head = context;
  }

  void remove(StorageContext* context) {
    std::lock_guard lock(mutex);
    if (context->previous != nullptr) context->previous->next = context->next;
    if (context->next != nullptr) context->next->previous = context->previous;
    if (head == context) head = context->next;
    memory_of(*context).bytes.remove(context->bytes);
    memory_of(*context).storages.remove(1);
    if (!names.empty()) names.erase(context->id);
  }

  void resize(StorageContext* context, uint64_t bytes) {
    std::lock_guard lock(mutex);
    Tally& tally = memory_of(*context).bytes;
    tally.remove(context->bytes);
    tally.add(bytes);
    context->bytes = bytes;
  }
};

Registry& registry() {
  static auto* instance = new Registry();
  return *instance;
}

/// Runs wherever the last reference is dropped: any thread, under any lock, at exit, in a forked child. Never blocks.
void delete_context(void* pointer) {
  auto* context = static_cast<StorageContext*>(pointer);
  registry().remove(context);
  if (context->announced) Runtime::get().release(context->device, context->id);
  delete context;
}

/// nullptr for one of another maker's, such as DLPack's.
StorageContext* own_context(const c10::DataPtr& data) {
  return data.get_deleter() == &delete_context ? static_cast<StorageContext*>(data.get_context()) : nullptr;
}

/// No worker would read a record that mentions a larger one.
void check_size(uint64_t bytes) {
  if (bytes <= wire::kMaxStorageBytes) return;
  throw_error(StatusCode::kResourceExhausted, "remote: memory for a tensor of " + std::to_string(bytes) +
                                                  " bytes was asked for, and no worker gives more than " +
                                                  std::to_string(wire::kMaxStorageBytes) +
                                                  "; are its sizes what they should be?");
}

c10::DataPtr make_data(uint64_t bytes, c10::DeviceIndex device, uint64_t id) {
  check_size(bytes);
  auto* context = new StorageContext{id != 0 ? id : client::next_storage_id(), bytes, device};
  context->scope = NameScope::current_id();
  registry().add(context);
  return {nullptr, context, &delete_context, c10::Device(c10::DeviceType::PrivateUse1, device)};
}

/// Its statistics are of what this process's tensors take on a device, as far as the client knows their sizes.
class IdAllocator final : public c10::DeviceAllocator {
 public:
  c10::DataPtr allocate(size_t bytes) override { return make_data(bytes, Runtime::get().current_device(), 0); }
  c10::DeleterFnPtr raw_deleter() const override { return nullptr; }
  void copy_data(void*, const void*, size_t) const override {
    throw_error(StatusCode::kInternal, "remote: raw memory of a remote storage can't be copied; copy the tensor");
  }

  bool initialized() override { return true; }
  void emptyCache(c10::MempoolId_t) override {}
  void recordStream(const c10::DataPtr&, c10::Stream) override {}
  c10::CachingDeviceAllocator::DeviceStats getDeviceStats(c10::DeviceIndex device) override {
    std::lock_guard lock(registry().mutex);
    const Registry::Memory& memory = registry().memory[Runtime::checked(device)];
    c10::CachingDeviceAllocator::DeviceStats stats;
    for (auto* bytes : {&stats.allocated_bytes, &stats.requested_bytes, &stats.active_bytes, &stats.reserved_bytes}) {
      memory.bytes.write(bytes->front());
    }
    memory.storages.write(stats.allocation.front());
    return stats;
  }
  void resetAccumulatedStats(c10::DeviceIndex device) override {
    std::lock_guard lock(registry().mutex);
    Registry::Memory& memory = registry().memory[Runtime::checked(device)];
    for (Tally* tally : {&memory.bytes, &memory.storages}) tally->allocated = tally->freed = 0;
  }
  void resetPeakStats(c10::DeviceIndex device) override {
    std::lock_guard lock(registry().mutex);
    Registry::Memory& memory = registry().memory[Runtime::checked(device)];
    for (Tally* tally : {&memory.bytes, &memory.storages}) tally->peak = tally->current;
  }
};

}  // namespace

c10::Allocator* allocator() {
  static auto* instance = new IdAllocator();
  return instance;
}

c10::Storage make_storage(uint64_t bytes, c10::DeviceIndex device, uint64_t id) {
  c10::Storage storage(c10::Storage::use_byte_size_t(), bytes, make_data(bytes, device, id), allocator(),
                       /*resizable=*/true);
  return storage;
}

StorageContext* context_of(const c10::Storage& storage) {
  if (!storage || storage.device_type() != c10::DeviceType::PrivateUse1) return nullptr;
  return own_context(storage.data_ptr());
}

void resize_storage(c10::StorageImpl& storage, uint64_t bytes) {
  check_size(bytes);
  auto* context = own_context(storage.data_ptr());
  if (context == nullptr) {
    storage.set_data_ptr_noswap(make_data(bytes, storage.device().index(), 0));
  } else if (context->bytes != bytes) {
    if (context->announced) Runtime::get().resize(*context, bytes);
    registry().resize(context, bytes);
  }
  storage.set_nbytes(bytes);
}

void name_storage(const StorageContext& context, std::string_view name) {
  std::lock_guard lock(registry().mutex);
  registry().names[context.id] = name;
}

}  // namespace remote::device

namespace remote {

std::vector<StorageInfo> storage_registry() {
  auto& registry = device::registry();
  std::lock_guard lock(registry.mutex);
  std::vector<StorageInfo> infos;
  infos.reserve(registry.count());
  for (auto* context = registry.head; context != nullptr; context = context->next) {
    auto name = registry.names.find(context->id);
    infos.push_back({context->id, context->bytes, context->device, NameScope::path_of(context->scope),
                     name == registry.names.end() ? std::string() : name->second});
  }
  return infos;
}

uint64_t live_storages() {
  auto& registry = device::registry();
  std::lock_guard lock(registry.mutex);
  return registry.count();
}

}  // namespace remote
