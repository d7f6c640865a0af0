#include <remote/device/name_scope.h>

#include <ATen/SequenceNumber.h>
#include <ATen/record_function.h>
#include <torch/csrc/autograd/function.h>

#include <algorithm>
#include <deque>
#include <iterator>
#include <memory>
#include <mutex>
#include <unordered_map>

namespace remote {
namespace {

/// Every path that was ever open, numbered. Leaked: scopes may be open in threads that outlive static destruction.
struct PathTable {
  std::mutex mutex;
  std::deque<std::string> paths{""};
  std::unordered_map<std::string, uint32_t> ids{{"", 0}};

  uint32_t id_of(const std::string& path) {
    std::lock_guard lock(mutex);
    auto [it, inserted] = ids.try_emplace(path, static_cast<uint32_t>(paths.size()));
    if (inserted) paths.push_back(path);
    return it->second;
  }
};

PathTable& table() {
  static auto* instance = new PathTable();
  return *instance;
}

/// Which scope was open when a thread made its nodes, by their sequence numbers.
class NodeScopes {
 public:
  void changed(uint64_t next_sequence_nr, uint32_t scope) {
    std::lock_guard lock(mutex_);
    if (!changes_.empty() && changes_.back().first == next_sequence_nr) {
      changes_.back().second = scope;
      return;
    }
    if (changes_.size() == kChangesKept) changes_.pop_front();
    changes_.emplace_back(next_sequence_nr, scope);
  }
  uint32_t at(uint64_t sequence_nr) const {
    std::lock_guard lock(mutex_);
    const auto after = std::ranges::upper_bound(changes_, sequence_nr, {}, &std::pair<uint64_t, uint32_t>::first);
    return after == changes_.begin() ? 0 : std::prev(after)->second;
  }

 private:
  static constexpr size_t kChangesKept = 16384;

  mutable std::mutex mutex_;
  std::deque<std::pair<uint64_t, uint32_t>> changes_;
};

/// Those of all threads. Leaked, as the paths are.
struct ThreadTable {
  std::mutex mutex;
  std::unordered_map<uint64_t, std::shared_ptr<NodeScopes>> threads;

  std::shared_ptr<NodeScopes> find(uint64_t thread) {
    std::lock_guard lock(mutex);
    const auto found = threads.find(thread);
    return found == threads.end() ? nullptr : found->second;
  }
};

ThreadTable& thread_table() {
  static auto* instance = new ThreadTable();
  return *instance;
}

/// The calling thread's, in the table for as long as the thread lives.
NodeScopes& node_scopes_of_thread() {
  struct Entry {
    Entry() {
      std::lock_guard lock(thread_table().mutex);
      thread_table().threads[thread] = scopes;
    }
    ~Entry() {
      std::lock_guard lock(thread_table().mutex);
      thread_table().threads.erase(thread);
    }
    const uint64_t thread = at::RecordFunction::currentThreadId();
    const std::shared_ptr<NodeScopes> scopes = std::make_shared<NodeScopes>();
  };
  thread_local Entry entry;
  return *entry.scopes;
}

void note_change(uint32_t scope) {
  node_scopes_of_thread().changed(at::sequence_number::peek(), scope);
}

thread_local std::string t_path;
thread_local uint32_t t_path_id = 0;
thread_local const void* t_node = nullptr;

}  // namespace

NameScope::NameScope(std::string_view name)
    : parent_length_(t_path.size()), parent_id_(t_path_id), parents_node_(t_node) {
  if (!t_path.empty() && !name.empty()) t_path += '.';
  t_path += name;
  t_path_id = table().id_of(t_path);
  t_node = torch::autograd::get_current_node().get();
  note_change(t_path_id);
}

NameScope::~NameScope() {
  t_path.resize(parent_length_);
  t_path_id = parent_id_;
  t_node = parents_node_;
  note_change(t_path_id);
}

const std::string& NameScope::current() { return t_path; }
uint32_t NameScope::current_id() { return t_path_id; }
const void* NameScope::opened_in_node() {
  return t_node;
}

std::string NameScope::path_of(uint32_t id) {
  std::lock_guard lock(table().mutex);
  return id < table().paths.size() ? table().paths[id] : std::string();
}

uint32_t NameScope::id_of(const std::string& path) {
  return table().id_of(path);
}

uint32_t NameScope::id_at(uint64_t thread, uint64_t sequence_nr) {
  if (sequence_nr == UINT64_MAX) return 0;  // a node that belongs to no op
  const auto scopes = thread_table().find(thread);
  return scopes == nullptr ? 0 : scopes->at(sequence_nr);
}

}  // namespace remote
