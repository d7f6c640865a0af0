#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace remote {

/// One live remote storage, as the client knows it.
struct StorageInfo {
  uint64_t id = 0;
  uint64_t bytes = 0;
  int device = 0;             ///< N of remote:N
  std::string scope;          ///< the NameScope it was made in
  std::string name;           ///< the parameter's name, after remote::name_parameters()
};

/// A snapshot of every remote storage this process refers to, for people who hunt leaks. Walks a list under a lock; no
/// round trip. Thread-safe.
std::vector<StorageInfo> storage_registry();

/// How many there are.
uint64_t live_storages();

}  // namespace remote
