#include <worker/backend/storage_table.h>

namespace remote::worker {
namespace {

/// A table of empty storages costs memory, too.
constexpr size_t kMaxStorages = 4 << 20;
constexpr size_t kMaxStorageNameBytes = 1 << 10;

}  // namespace

void StorageEntry::poison(const RootErrorPtr& root) {
  if (health == Health::kPoisoned) return;
  health = Health::kPoisoned;
  rewritten_bytes = 0;
  // A storage that was stale has missed a write because of the older error.
  if (!error) error = root;
}

void StorageEntry::miss(const RootErrorPtr& root) {
  if (!healthy()) return;
  health = Health::kStale;
  rewritten_bytes = 0;
  error = root;
}

StorageTable::StorageTable(Device& device, Usage& usage, uint64_t max_bytes)
    : device_(device), usage_(usage), max_bytes_(max_bytes) {}

void StorageTable::count(int64_t storages, int64_t bytes) {
  bytes_ += static_cast<uint64_t>(bytes);
  usage_.storages.fetch_add(static_cast<uint64_t>(storages), std::memory_order_relaxed);
  usage_.bytes.fetch_add(static_cast<uint64_t>(bytes), std::memory_order_relaxed);
}

Status StorageTable::check_room(uint64_t more) const {
  if (max_bytes_ == 0 || (more <= max_bytes_ && bytes_ <= max_bytes_ - more)) return {};
  return {StatusCode::kResourceExhausted,
          std::to_string(more) + " more bytes do not fit: this session holds " + std::to_string(bytes_) +
              " of at most " + std::to_string(max_bytes_) +
              " bytes; use a smaller batch or model, or start the worker with a higher limit"};
}

StatusOr<StorageEntry*> StorageTable::add(uint64_t id, uint64_t bytes) {
  REMOTE_RETURN_IF_ERROR(check_room(bytes));
  if (entries_.size() >= kMaxStorages) {
    return Status(StatusCode::kResourceExhausted, "this session holds " + std::to_string(entries_.size()) +
                                                      " storages already, the most that a worker allows");
  }
  const auto [entry, is_new] = entries_.try_emplace(id);
  if (!is_new) {
    return Status(StatusCode::kAlreadyExists,
                  "storage " + std::to_string(id) + " was made before; an id is never used twice");
  }
  entry->second.bytes = bytes;
  count(1, static_cast<int64_t>(bytes));
  return &entry->second;
}

void StorageTable::release(uint64_t id) {
  const auto found = entries_.find(id);
  if (found == entries_.end()) return;
  count(-1, -static_cast<int64_t>(found->second.bytes));
  entries_.erase(found);
  if (!names_.empty()) names_.erase(id);
}

void StorageTable::clear() {
  count(-static_cast<int64_t>(entries_.size()), -static_cast<int64_t>(bytes_));
  entries_.clear();
  names_.clear();
}

const c10::Storage& StorageTable::materialize(StorageEntry& entry, bool overwritten) {
  if (!entry.storage) {
    c10::Storage storage = device_.allocate(entry.bytes);
    if (!overwritten) device_.zero(storage);
    entry.storage = std::move(storage);
  }
  return entry.storage;
}

void StorageTable::set_bytes(StorageEntry& entry, uint64_t bytes) {
  count(0, static_cast<int64_t>(bytes) - static_cast<int64_t>(entry.bytes));
  entry.bytes = bytes;
}

void StorageTable::clear_stale() {
  for (auto& [id, entry] : entries_) {
    if (entry.health == StorageEntry::Health::kStale) entry.heal();
  }
}

void StorageTable::set_name(uint64_t id, std::string_view name) {
  if (find(id) != nullptr) names_[id] = name.substr(0, kMaxStorageNameBytes);
}

std::string StorageTable::name(uint64_t id) const {
  const auto found = names_.find(id);
  return found == names_.end() ? std::string() : found->second;
}

}  // namespace remote::worker
