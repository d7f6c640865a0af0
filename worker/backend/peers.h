#pragma once
#include <cstdint>
#include <functional>
#include <memory>

#include <remote/base/status.h>
#include <remote/wire/record.h>

namespace remote::worker {

/// The other workers of this one's clients, to which it sends what uploads there wait for: a carrier implements it.
/// Thread-safe.
class Peers {
 public:
  using Done = std::function<void(Status)>;

  virtual ~Peers() = default;
  /// Sends the bytes of a transfer, or only tries whether the peer can be reached where there are none. Never blocks;
  /// calls `done` once, from another thread, when the peer has taken all, or with UNAVAILABLE, UNAUTHENTICATED or what
  /// the peer said. `owner` keeps the bytes alive.
  virtual void send(wire::Peer peer, uint64_t transfer, std::shared_ptr<const void> owner, const void* data,
                    uint64_t bytes, Done done) = 0;
};

}  // namespace remote::worker
