#include "worker/service/session_link.h"

#include <algorithm>
#include <iterator>

#include <remote/wire/limits.h>

namespace remote::worker {
namespace {

/// Replies that wait are merged up to about this size: a slow client gets fewer and larger ones.
constexpr uint64_t kMergedReplyBytes = 256 << 10;
/// What an entry costs beside its text.
constexpr uint64_t kEntryBytes = 128;

uint64_t cost_of(const wire::Reply& reply) {
  uint64_t bytes = 0;
  for (const auto& failure : reply.failures) bytes += kEntryBytes + failure.status.message().size();
  for (const auto& warning : reply.warnings) bytes += kEntryBytes + warning.size();
  for (const auto& value : reply.values) {
    bytes += kEntryBytes + value.status.message().size() + value.bytes.size() +
             value.outputs.size() * sizeof(wire::OutputMeta);
  }
  return bytes;
}

template <class T>
void append(std::vector<T>& to, std::vector<T>& from) {
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

}  // namespace

void SessionLink::attach_stream(std::weak_ptr<Carrier> stream) {
  std::lock_guard lock(mutex_);
  stream_ = std::move(stream);
}

bool SessionLink::attach_bulk(std::weak_ptr<Carrier> bulk) {
  std::lock_guard lock(mutex_);
  if (bulk_attached_ || closed_) return false;
  bulk_attached_ = true;
  bulk_ = std::move(bulk);
  return true;
}

void SessionLink::bind(std::shared_ptr<Session> session) {
  std::lock_guard lock(mutex_);
  session_ = std::move(session);
}

bool SessionLink::wants_batches() const {
  std::lock_guard lock(mutex_);
  return !closed_ && batch_bytes_ < kMaxWaitingBatchBytes;
}

void SessionLink::push(wire::Batch batch) {
  std::shared_ptr<Session> session;
  {
    std::lock_guard lock(mutex_);
    if (closed_) return;
    batch_bytes_ += batch.bytes.size();
    batches_.push_back(std::move(batch));
    session = session_;
  }
  if (session) session->wake();
}

std::optional<wire::Batch> SessionLink::take(size_t) {
  std::optional<wire::Batch> batch;
  std::weak_ptr<Carrier> stream;
  {
    std::lock_guard lock(mutex_);
    if (closed_ || batches_.empty()) return std::nullopt;
    if (client_is_behind()) {
      held_back_ = true;
      return std::nullopt;
    }
    const bool was_full = batch_bytes_ >= kMaxWaitingBatchBytes;
    batch = std::move(batches_.front());
    batches_.pop_front();
    batch_bytes_ -= batch->bytes.size();
    if (was_full && batch_bytes_ < kMaxWaitingBatchBytes) stream = stream_;
  }
  kick(stream);
  return batch;
}

bool SessionLink::client_is_behind() const {
  return reply_bytes_ > kMaxWaitingReplyBytes || download_bytes_ > kMaxWaitingDownloadBytes;
}

void SessionLink::on_reply(wire::Reply reply) {
  std::weak_ptr<Carrier> stream;
  {
    std::lock_guard lock(mutex_);
    if (closed_) return;
    const auto fatal = std::find_if(reply.failures.begin(), reply.failures.end(),
                                    [](const wire::Failure& failure) { return failure.sequence == 0; });
    if (fatal != reply.failures.end() && !ended_) ended_ = fatal->status;
    const uint64_t bytes = cost_of(reply);
    reply_bytes_ += bytes;
    if (!replies_.empty() && replies_.back().bytes + bytes <= kMergedReplyBytes) {
      WaitingReply& last = replies_.back();
      last.reply.received = reply.received;
      last.reply.executed = reply.executed;
      append(last.reply.failures, reply.failures);
      append(last.reply.values, reply.values);
      append(last.reply.warnings, reply.warnings);
      last.bytes += bytes;
    } else {
      replies_.push_back({std::move(reply), bytes});
    }
    stream = stream_;
  }
  kick(stream);
}

std::optional<wire::Reply> SessionLink::next_reply() {
  std::lock_guard lock(mutex_);
  if (replies_.empty()) return std::nullopt;
  WaitingReply next = std::move(replies_.front());
  replies_.pop_front();
  reply_bytes_ -= next.bytes;
  return std::move(next.reply);
}

void SessionLink::on_bulk(uint64_t transfer, std::shared_ptr<const void> owner, const void* data, uint64_t bytes) {
  std::weak_ptr<Carrier> bulk;
  {
    std::lock_guard lock(mutex_);
    if (closed_) return;
    downloads_.push_back({transfer, std::move(owner), static_cast<const char*>(data), bytes, 0});
    download_bytes_ += bytes;
    bulk = bulk_;
  }
  kick(bulk);
}

std::optional<SessionLink::Piece> SessionLink::next_piece() {
  std::lock_guard lock(mutex_);
  if (downloads_.empty()) return std::nullopt;
  Download& download = downloads_.front();
  const uint64_t size = std::min<uint64_t>(download.bytes - download.sent, wire::kChunkBytes);
  Piece piece{{download.transfer, download.bytes, download.sent, std::string_view(download.data + download.sent, size)},
              download.owner};
  download.sent += size;
  download_bytes_ -= size;
  if (download.sent == download.bytes) downloads_.pop_front();
  return piece;
}

void SessionLink::settle() {
  std::shared_ptr<Session> session;
  {
    std::lock_guard lock(mutex_);
    if (!held_back_ || client_is_behind()) return;
    held_back_ = false;
    session = session_;
  }
  if (session) session->wake();
}

Status SessionLink::supply(const wire::Chunk& chunk) {
  std::shared_ptr<Session> session;
  {
    std::lock_guard lock(mutex_);
    session = session_;
  }
  return session ? session->supply(chunk) : Status(StatusCode::kUnavailable, "the session has ended");
}

void SessionLink::end(const Status& reason) {
  std::weak_ptr<Carrier> stream;
  {
    std::lock_guard lock(mutex_);
    if (ended_ || closed_) return;
    ended_ = reason;
    stream = stream_;
  }
  kick(stream);
}

std::optional<Status> SessionLink::ended() const {
  std::lock_guard lock(mutex_);
  return ended_;
}

void SessionLink::close() {
  std::weak_ptr<Carrier> bulk;
  // Destroyed without the lock: the last reference to a session or to fetched bytes may do much.
  std::shared_ptr<Session> session;
  std::deque<Download> downloads;
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
    bulk = bulk_;
    session.swap(session_);
    downloads.swap(downloads_);
    batches_.clear();
    replies_.clear();
    batch_bytes_ = reply_bytes_ = download_bytes_ = 0;
  }
  kick(bulk);
}

bool SessionLink::closed() const {
  std::lock_guard lock(mutex_);
  return closed_;
}

void SessionLink::kick(const std::weak_ptr<Carrier>& carrier) {
  if (const auto alive = carrier.lock()) alive->kick();
}

}  // namespace remote::worker
