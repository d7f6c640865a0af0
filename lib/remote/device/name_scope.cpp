#include <remote/device/name_scope.h>

#include <deque>
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

thread_local std::string t_path;
thread_local uint32_t t_path_id = 0;

}  // namespace

NameScope::NameScope(std::string_view name) : parent_length_(t_path.size()), parent_id_(t_path_id) {
  if (!t_path.empty() && !name.empty()) t_path += '.';
  t_path += name;
  t_path_id = table().id_of(t_path);
}

NameScope::~NameScope() {
  t_path.resize(parent_length_);
  t_path_id = parent_id_;
}

const std::string& NameScope::current() { return t_path; }
uint32_t NameScope::current_id() { return t_path_id; }

std::string NameScope::path_of(uint32_t id) {
  std::lock_guard lock(table().mutex);
  return id < table().paths.size() ? table().paths[id] : std::string();
}

}  // namespace remote
