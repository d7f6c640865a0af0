// Session::send: bytes that go from one worker to another. The receiving stream has an upload whose transfer the other
// worker brings; the sending stream has the record that makes it do so. Whatever becomes of that record, the upload
// must not wait for ever: when it fails, or its worker goes, the client tells the receiver that the transfer won't
// come.
#include <algorithm>

#include <remote/base/waiting.h>
#include <remote/client/session.h>

namespace remote::client {
namespace {

/// Looked at by nobody, where there are no bytes.
constexpr uint64_t kNoStorage = 1;

wire::TensorRef bytes_of(uint64_t storage, uint64_t offset, uint64_t bytes) {
  wire::TensorRef ref;
  ref.storage = storage;
  ref.dtype = c10::ScalarType::Byte;
  ref.offset = static_cast<int64_t>(offset);
  ref.sizes = {static_cast<int64_t>(bytes)};
  ref.strides = {1};
  return ref;
}

/// Held while the two records of a copy are made, so that all streams have the copies in one order. Two copies in
/// opposite directions could else stand in two streams each with its receiving half before the other's sending one, and
/// the workers would wait for each other.
std::mutex& copies_mutex() {
  static auto* mutex = new std::mutex();
  return *mutex;
}

}  // namespace

bool Session::reaches(const Session& peer) {
  if (welcome_.token.empty() || peer.welcome_.token.empty() || peer.welcome_.peer_address.empty()) return false;
  const auto lock = lock_while_waiting(peers_mutex_);
  const auto [entry, is_new] = reached_.try_emplace(peer.welcome_.session, false);
  if (is_new) {
    count_synchronisation("first copy to another worker");
    const auto tried = request([&](wire::RecordWriter& out, uint64_t request) {
      return out.send_to_peer(request, bytes_of(kNoStorage, 0, 0), peer.as_peer(), 0), Status();
    });
    entry->second = tried->wait(std::nullopt, ReportErrors::kNo).ok();
  }
  return entry->second;
}

Status Session::send(uint64_t from_storage, uint64_t from_offset, Session& peer, uint64_t storage,
                     FreshBytes fresh_bytes, uint64_t offset, uint64_t bytes) {
  for (uint64_t done = 0; done < bytes;) {
    const uint64_t piece = std::min<uint64_t>(bytes - done, wire::kTransferBytes);
    const uint64_t transfer = peer.next_request_.fetch_add(1, std::memory_order_relaxed);
    const ReportErrors report = done == 0 ? ReportErrors::kYes : ReportErrors::kNo;
    const auto in_order = lock_while_waiting(copies_mutex());
    const auto uploading = lock_while_waiting(peer.upload_mutex_);
    REMOTE_RETURN_IF_ERROR(peer.wait_for_transfer_credit(piece));
    const FreshBytes fresh = done == 0 ? fresh_bytes : FreshBytes(no_fresh_bytes);
    REMOTE_RETURN_IF_ERROR(peer.record_transfer(storage, fresh, offset + done, transfer, piece, report));
    const auto sent = request([&](wire::RecordWriter& out, uint64_t request) {
      return out.send_to_peer(request, bytes_of(from_storage, from_offset + done, piece), peer.as_peer(), transfer),
             Status();
    });
    sent->on_complete([weak = peer.weak_from_this(), transfer](const Status& status) {
      const auto receiver = weak.lock();
      if (receiver && !status.ok()) receiver->give_up(transfer, status);
    });
    done += piece;
  }
  std::lock_guard lock(mutex_);
  counters_.peer_bytes += bytes;
  return {};
}

void Session::give_up(uint64_t transfer, const Status& why) {
  std::lock_guard lock(give_up_mutex_);
  std::erase_if(giving_up_,
                [](const auto& task) { return task.wait_for(std::chrono::seconds(0)) == std::future_status::ready; });
  // Sending may wait for bulk data before it, and this is a thread that must not.
  giving_up_.push_back(std::async(std::launch::async, [this, transfer, why] {
    (void)send_chunk({transfer, 0, static_cast<uint64_t>(why.code()), why.message()});
  }));
}

}  // namespace remote::client
