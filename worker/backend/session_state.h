#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include <remote/wire/reply.h>
#include <worker/backend/core.h>
#include <worker/backend/generators.h>
#include <worker/backend/operation.h>
#include <worker/backend/outbox.h>
#include <worker/backend/settings.h>
#include <worker/backend/storage_table.h>

namespace remote::worker {

/// What the records of one session have made. Used on the executor thread, and by nobody else until the session is
/// detached.
struct SessionState {
  explicit SessionState(Core& core)
      : lane(core.device->make_lane()),
        storages(*core.device, core.usage, core.options.max_session_bytes),
        generators(*core.device),
        settings(core.options.shares_process, core.device->device().type()) {}

  const Operation* operation(uint64_t number) const {
    return number < operations.size() ? operations[number].get() : nullptr;
  }
  std::string_view scope(uint64_t id) const {
    const auto found = scopes.find(id);
    return found == scopes.end() ? std::string_view() : std::string_view(found->second);
  }
  /// Notes an error that a record has by itself.
  RootErrorPtr fail(uint64_t sequence, Status status) {
    auto root = std::make_shared<const RootError>(RootError{sequence, std::move(status)});
    outbox.failures.push_back({sequence, root->status});
    return root;
  }
  /// Frees all that the session holds on the device.
  void clear() {
    outbox = {};
    storages.clear();
    generators.clear();
  }

  std::unique_ptr<Lane> lane;
  StorageTable storages;
  Generators generators;
  SessionSettings settings;
  std::vector<std::shared_ptr<const Operation>> operations;  // by the client's number
  std::unordered_map<uint64_t, std::string> scopes;
  wire::SessionStatistics statistics;  // of ops
  Outbox outbox;
};

}  // namespace remote::worker
