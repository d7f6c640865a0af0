// Session::upload: small values travel inside their record, large ones as transfers beside the stream.
#include <algorithm>

#include <remote/base/waiting.h>
#include <remote/client/session.h>

namespace remote::client {

Status Session::upload(uint64_t storage, FreshBytes fresh_bytes, uint64_t offset, const void* data, uint64_t bytes) {
  if (bytes == 0) return {};
  const char* from = static_cast<const char*>(data);
  Status status;
  if (bytes <= wire::kInlineBytes) {
    status = record(
                 [&](wire::RecordWriter& out) {
                   return out.upload_inline(storage, fresh_bytes(), offset, std::string_view(from, bytes)), Status();
                 },
                 ReportErrors::kYes, {}, call_site())
                 .status();
  } else {
    status = upload_pieces(storage, fresh_bytes, offset, from, bytes);
  }
  REMOTE_RETURN_IF_ERROR(status);
  std::lock_guard lock(mutex_);
  ++counters_.uploads;
  counters_.upload_bytes += bytes;
  return {};
}

Status Session::upload_pieces(uint64_t storage, FreshBytes fresh_bytes, uint64_t offset, const char* data,
                              uint64_t bytes) {
  if (forked()) return forked_status();
  const auto uploading = lock_while_waiting(upload_mutex_);
  for (uint64_t done = 0; done < bytes;) {
    const uint64_t piece = std::min<uint64_t>(bytes - done, wire::kTransferBytes);
    const uint64_t transfer = next_request_.fetch_add(1, std::memory_order_relaxed);
    REMOTE_RETURN_IF_ERROR(wait_for_transfer_credit(piece));
    // A half-written storage is worse than an error that is told a little later: only the first piece reports one.
    const FreshBytes fresh = done == 0 ? fresh_bytes : FreshBytes(no_fresh_bytes);
    const ReportErrors report = done == 0 ? ReportErrors::kYes : ReportErrors::kNo;
    REMOTE_RETURN_IF_ERROR(record_transfer(storage, fresh, offset + done, transfer, piece, report));
    for (uint64_t at = 0; at < piece; at += wire::kChunkBytes) {
      const uint64_t size = std::min<uint64_t>(piece - at, wire::kChunkBytes);
      const Status sent = send_chunk({transfer, piece, at, std::string_view(data + done + at, size)});
      if (sent.ok()) continue;
      // The record stands in the stream and its bytes will never come: the worker would wait for ever.
      lost(sent);
      std::lock_guard lock(mutex_);
      return *ended_;
    }
    done += piece;
  }
  return {};
}

Status Session::record_transfer(uint64_t storage, FreshBytes fresh_bytes, uint64_t offset, uint64_t transfer,
                                uint64_t bytes, ReportErrors report) {
  return record(
             [&](wire::RecordWriter& out) {
               out.upload_transfer(storage, fresh_bytes(), offset, transfer, bytes);
               transfers_.push_back({last_sequence(), bytes});
               transfer_bytes_ += bytes;
               return Status();
             },
             report)
      .status();
}

Status Session::wait_for_transfer_credit(uint64_t bytes) {
  std::unique_lock lock(mutex_);
  return wait_for_credit(lock, [&] {
    return transfers_.empty() || transfer_bytes_ + bytes <= welcome_.limits.max_inflight_transfer_bytes;
  });
}

}  // namespace remote::client
