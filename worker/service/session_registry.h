#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "worker/service/session_link.h"

namespace remote::worker {

/// The sessions that have a stream, and the secret that binds a bulk call to each. Thread-safe.
class SessionRegistry {
 public:
  /// Returns the token that the session's bulk call must show.
  std::string add(uint64_t session, std::shared_ptr<SessionLink> link);
  void remove(uint64_t session);
  /// UNAUTHENTICATED for an unknown session as for a wrong token, so that ids can't be tried out.
  StatusOr<std::shared_ptr<SessionLink>> find(uint64_t session, std::string_view token) const;
  /// Asks every session to end.
  void end_all(const Status& reason);

 private:
  struct Entry {
    std::string token;
    std::shared_ptr<SessionLink> link;
  };
  mutable std::mutex mutex_;
  std::map<uint64_t, Entry> sessions_;
};

}  // namespace remote::worker
