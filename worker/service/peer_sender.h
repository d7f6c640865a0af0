#pragma once
#include <grpcpp/channel.h>

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include <worker/backend/peers.h>

#include "worker/service/background.h"

namespace remote::worker {

/// Sends bytes to sessions of other workers over their Worker.Bulk, one copy after the other on a thread of its own. A
/// channel to each worker is kept.
class PeerSender final : public Peers {
 public:
  void send(wire::Peer peer, uint64_t transfer, std::shared_ptr<const void> owner, const void* data, uint64_t bytes,
            Done done) override;

 private:
  Status push(const wire::Peer& peer, uint64_t transfer, const char* data, uint64_t bytes);
  std::shared_ptr<grpc::Channel> channel(const std::string& address);

  std::map<std::string, std::shared_ptr<grpc::Channel>> channels_;  // of the background's thread
  Background background_;                                           // last: its tasks use the rest
};

}  // namespace remote::worker
