#include "worker/service/bulk_call.h"

#include <charconv>

#include <proto/messages.h>

#include "worker/service/log.h"

namespace remote::worker {

void BulkCall::accept(ServiceContext& context) {
  const auto call = std::make_shared<BulkCall>(context);
  context.service.RequestBulk(&call->call_, &call->stream_, context.bulk_queue.get(), context.bulk_queue.get(),
                              call->accepted_.arm(call));
}

BulkCall::BulkCall(ServiceContext& context)
    : context_(context),
      counted_(context.calls),
      stream_(&call_),
      accepted_([this](bool ok) { on_accepted(ok); }),
      read_([this](bool ok) { on_read(ok); }),
      written_([this](bool ok) { on_written(ok); }),
      finished_([](bool) {}) {}

void BulkCall::on_accepted(bool ok) {
  if (!ok) return;
  accept(context_);
  const Status bound = bind();
  std::lock_guard lock(mutex_);
  if (bound.ok()) {
    start_read();
  } else {
    log::warning("bulk connection refused", {{"peer", call_.peer()}, {"reason", bound.message()}});
    over_ = call_status(bound);
  }
  pump();
}

Status BulkCall::bind() {
  const auto& metadata = call_.client_metadata();
  const auto session = metadata.find("remote-session");
  const auto token = metadata.find("remote-token-bin");
  uint64_t id = 0;
  if (session == metadata.end() || token == metadata.end() ||
      std::from_chars(session->second.begin(), session->second.end(), id).ptr != session->second.end()) {
    return {StatusCode::kUnauthenticated,
            "expected the metadata remote-session (a decimal number) and remote-token-bin, as the Welcome gave them"};
  }
  auto link = context_.sessions.find(id, {token->second.data(), token->second.size()});
  if (!link.ok()) return link.status();
  {
    std::lock_guard lock(mutex_);
    link_ = *link;
    is_peer_ = metadata.count("remote-peer") != 0;
  }
  if (is_peer_) return {};
  if (!(*link)->attach_bulk(weak_from_this())) {
    return {StatusCode::kAlreadyExists,
            "session " + std::to_string(id) + " has or had a bulk connection; it can have one"};
  }
  return {};
}

void BulkCall::on_read(bool ok) {
  Status received;
  if (ok) {
    received = receive();
  } else if (!is_peer_) {
    received = {StatusCode::kCancelled, "the client is gone"};
  }
  // A peer that ends has sent all, or its client will say that the rest won't come.
  if (!ok || !received.ok()) {
    std::lock_guard lock(mutex_);
    if (!over_) over_ = call_status(received);
  }
  if (ok && !received.ok() && !is_peer_) link_->end(received);
  std::lock_guard lock(mutex_);
  if (!over_) start_read();
  pump();
}

Status BulkCall::receive() {
  REMOTE_RETURN_IF_ERROR(received_.parse(incoming_));
  for (const wire::Chunk& piece : received_.pieces()) REMOTE_RETURN_IF_ERROR(link_->supply(piece));
  return {};
}

void BulkCall::kick() {
  std::lock_guard lock(mutex_);
  pump();
}

void BulkCall::start_read() {
  if (!finishing_) stream_.Read(&incoming_, read_.arm(shared_from_this()));
}

void BulkCall::pump() {
  if (finishing_) return;
  if (!over_ && link_ && link_->closed()) over_ = call_status(link_->ended().value_or(Status()));
  if (writing_) {
    // Nobody may be there to read what is being written.
    if (over_) call_.TryCancel();
    return;
  }
  if (over_) {
    finishing_ = true;
    stream_.Finish(*over_, finished_.arm(shared_from_this()));
  } else if (auto piece = is_peer_ ? std::nullopt : link_->next_piece()) {
    writing_ = true;
    stream_.Write(proto::write_chunk(piece->chunk, std::move(piece->owner)), written_.arm(shared_from_this()));
  }
}

void BulkCall::on_written(bool ok) {
  std::shared_ptr<SessionLink> link;
  {
    std::lock_guard lock(mutex_);
    writing_ = false;
    if (!ok && !over_) over_ = grpc::Status(grpc::StatusCode::CANCELLED, "the client is gone");
    pump();
    link = link_;
  }
  if (link) link->settle();
}

}  // namespace remote::worker
