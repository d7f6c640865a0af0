#pragma once
#include <ATen/core/Tensor.h>
#include <c10/core/Storage.h>

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include <worker/backend/device.h>
#include <worker/backend/root_error.h>

namespace remote::worker {

/// What an id stands for. Note [Poisoned and stale]
///
/// A storage that a failing op was writing is *poisoned*: nobody knows what it holds. One that an op would have written
/// and did not, because the op never started, is *stale*: it holds what it held before. Either can't be read, and
/// carries the root error. Stale ends with Verb::kClearErrors, and both end when all of the storage is written anew.
struct StorageEntry {
  enum class Health : uint8_t { kHealthy, kStale, kPoisoned };

  c10::Storage storage;  ///< null until something gives it its bytes (a declared output, an `out` argument)
  at::Tensor opaque;     ///< what an opaque output is; undefined where the op gave none
  uint64_t bytes = 0;
  uint64_t rewritten_bytes = 0;  ///< from the start, by uploads since it went bad
  Health health = Health::kHealthy;
  bool is_opaque = false;
  RootErrorPtr error;  ///< unless healthy

  bool healthy() const { return health == Health::kHealthy; }
  void heal() {
    health = Health::kHealthy;
    error.reset();
  }
  void poison(const RootErrorPtr& root);
  /// Stale, unless it is worse already.
  void miss(const RootErrorPtr& root);
};

/// How much all sessions hold; read by any thread.
struct Usage {
  std::atomic<uint64_t> storages{0};
  std::atomic<uint64_t> bytes{0};
};

/// The storages of one session. Entries stay where they are until they are released. Used by one thread at a time.
class StorageTable {
 public:
  /// `max_bytes`: what the session may hold; 0: no limit.
  StorageTable(Device& device, Usage& usage, uint64_t max_bytes);
  ~StorageTable() { clear(); }

  StorageEntry* find(uint64_t id) {
    const auto found = entries_.find(id);
    return found == entries_.end() ? nullptr : &found->second;
  }
  /// A new entry that has no bytes yet; they count as held. ALREADY_EXISTS, RESOURCE_EXHAUSTED.
  StatusOr<StorageEntry*> add(uint64_t id, uint64_t bytes);
  /// Forgets an id; nothing happens when there is none.
  void release(uint64_t id);
  void clear();

  /// Gives an entry its bytes if it has none: zeros, or with `overwritten` whatever the memory holds, because the
  /// caller is about to write all of it. Throws what the allocator throws.
  const c10::Storage& materialize(StorageEntry& entry, bool overwritten);
  /// Another length, for an entry whose storage the caller replaces.
  void set_bytes(StorageEntry& entry, uint64_t bytes);
  /// RESOURCE_EXHAUSTED when `more` bytes would exceed the session's limit.
  Status check_room(uint64_t more) const;

  /// Stale storages become healthy.
  void clear_stale();

  void set_name(uint64_t id, std::string_view name);
  /// The parameter that a storage holds; empty when nobody said.
  std::string name(uint64_t id) const;

  uint64_t size() const { return entries_.size(); }
  uint64_t bytes() const { return bytes_; }

 private:
  void count(int64_t storages, int64_t bytes);

  Device& device_;
  Usage& usage_;
  const uint64_t max_bytes_;
  uint64_t bytes_ = 0;
  std::unordered_map<uint64_t, StorageEntry> entries_;
  std::unordered_map<uint64_t, std::string> names_;
};

}  // namespace remote::worker
