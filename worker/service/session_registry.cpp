#include "worker/service/session_registry.h"

#include <random>
#include <vector>

#include <remote/base/credential.h>

namespace remote::worker {
namespace {

constexpr size_t kTokenBytes = 16;

std::string make_token() {
  std::random_device entropy;  // the system's, so that nobody can guess the next from the last
  std::string token(kTokenBytes, '\0');
  for (char& byte : token) byte = static_cast<char>(entropy());
  return token;
}

}  // namespace

std::string SessionRegistry::add(uint64_t session, std::shared_ptr<SessionLink> link) {
  std::string token = make_token();
  std::lock_guard lock(mutex_);
  sessions_[session] = {token, std::move(link)};
  return token;
}

void SessionRegistry::remove(uint64_t session) {
  std::lock_guard lock(mutex_);
  sessions_.erase(session);
}

StatusOr<std::shared_ptr<SessionLink>> SessionRegistry::find(uint64_t session, std::string_view token) const {
  std::lock_guard lock(mutex_);
  const auto entry = sessions_.find(session);
  if (entry == sessions_.end() || !same_secret(entry->second.token, token)) {
    return Status(StatusCode::kUnauthenticated,
                  "expected the session and the token of a Welcome whose stream is open, but got another session or "
                  "token");
  }
  return entry->second.link;
}

void SessionRegistry::end_all(const Status& reason) {
  std::vector<std::shared_ptr<SessionLink>> links;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [session, entry] : sessions_) links.push_back(entry.link);
  }
  for (const auto& link : links) link->end(reason);
}

}  // namespace remote::worker
