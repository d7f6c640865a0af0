#include "worker/service/peer_sender.h"

#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include <algorithm>
#include <chrono>

#include <proto/messages.h>
#include <proto/runtime.h>
#include <remote/wire/limits.h>

#include "remote/v1/worker.grpc.pb.h"

namespace remote::worker {
namespace {

/// A try must not take long: the client waits for it once, and else copies by itself.
constexpr std::chrono::seconds kTryTimeout{3};
/// After which a peer that takes nothing is given up.
constexpr std::chrono::seconds kCopyTimeout{120};

}  // namespace

void PeerSender::send(wire::Peer peer, uint64_t transfer, std::shared_ptr<const void> owner, const void* data,
                      uint64_t bytes, Done done) {
  background_.run([this, peer = std::move(peer), transfer, owner = std::move(owner), data, bytes,
                   done = std::move(done)] { done(push(peer, transfer, static_cast<const char*>(data), bytes)); });
}

std::shared_ptr<grpc::Channel> PeerSender::channel(const std::string& address) {
  auto& channel = channels_[address];
  if (!channel) {
    proto::keep_runtime();
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
    arguments.SetMaxReceiveMessageSize(-1);
    arguments.SetMaxSendMessageSize(-1);
    channel = grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
  }
  return channel;
}

Status PeerSender::push(const wire::Peer& peer, uint64_t transfer, const char* data, uint64_t bytes) {
  const auto stub = v1::Worker::NewStub(channel(peer.address));
  grpc::ClientContext context;
  context.AddMetadata("remote-session", std::to_string(peer.session));
  context.AddMetadata("remote-token-bin", peer.token);
  context.AddMetadata("remote-peer", "1");
  context.set_deadline(std::chrono::system_clock::now() + (bytes == 0 ? kTryTimeout : kCopyTimeout));
  const auto stream = stub->Bulk(&context);
  v1::Chunk chunk;
  for (uint64_t at = 0; at < bytes; at += wire::kChunkBytes) {
    chunk.set_transfer(transfer);
    chunk.set_total_bytes(bytes);
    chunk.set_offset(at);
    chunk.set_data(data + at, std::min<uint64_t>(bytes - at, wire::kChunkBytes));
    if (!stream->Write(chunk)) break;
  }
  stream->WritesDone();
  const grpc::Status status = stream->Finish();
  if (status.ok()) return {};
  const Status reason = proto::from_grpc(status);
  return {reason.code(), "the copy to the worker at " + peer.address + " did not arrive: " + reason.message() +
                             "; copy again, or start the sending worker with --no-peers"};
}

}  // namespace remote::worker
