#include <worker/backend/transfers.h>

#include <cstring>

#include <worker/backend/errors.h>

namespace remote::worker {
namespace {

constexpr size_t kMaxReasonBytes = 4 << 10;
/// A client has no more uploads than bytes outstanding allow, each of some size.
constexpr size_t kMaxTransfers = 1 << 16;

Status misfit(const wire::Chunk& chunk, const std::string& why) {
  return {StatusCode::kInvalidArgument, "bytes " + std::to_string(chunk.offset) + " to " +
                                            std::to_string(chunk.offset + chunk.bytes.size()) + " of transfer " +
                                            std::to_string(chunk.transfer) + " do not fit: " + why};
}

}  // namespace

void Transfers::give_up(const wire::Chunk& chunk) {
  Transfer& transfer = transfers_[chunk.transfer];
  bytes_ -= transfer.total_bytes;
  const bool is_code = chunk.offset > 0 && chunk.offset <= static_cast<uint64_t>(StatusCode::kUnauthenticated);
  transfer = {};
  transfer.given_up = {is_code ? static_cast<StatusCode>(chunk.offset) : StatusCode::kUnknown,
                       std::string(chunk.bytes.substr(0, kMaxReasonBytes))};
}

StatusOr<bool> Transfers::supply(const wire::Chunk& chunk) {
  if (chunk.gives_up()) {
    std::lock_guard lock(mutex_);
    if (transfers_.size() >= kMaxTransfers) {
      return Status(StatusCode::kResourceExhausted, "the client has given up " + std::to_string(kMaxTransfers) +
                                                        " uploads whose records have not come");
    }
    if (!closed_) give_up(chunk);
    return true;
  }
  if (chunk.total_bytes > wire::kTransferBytes) {
    return misfit(chunk, "a transfer has 1 to " + std::to_string(wire::kTransferBytes) + " bytes, not " +
                             std::to_string(chunk.total_bytes));
  }
  std::lock_guard lock(mutex_);
  if (closed_) return Status(StatusCode::kFailedPrecondition, "the session has ended");
  auto found = transfers_.find(chunk.transfer);
  if (found == transfers_.end()) {
    // One transfer may always be on its way, whatever the limit is.
    if (!transfers_.empty() && bytes_ + chunk.total_bytes > max_bytes_) {
      return Status(StatusCode::kResourceExhausted,
                    "the client has uploads of " + std::to_string(bytes_ + chunk.total_bytes) +
                        " bytes outstanding, the worker allows " + std::to_string(max_bytes_));
    }
    Transfer transfer;
    transfer.total_bytes = chunk.total_bytes;
    try {
      transfer.data = device_.allocate_host(chunk.total_bytes);
    } catch (const std::exception& error) {
      return status_of(error);
    }
    bytes_ += chunk.total_bytes;
    found = transfers_.emplace(chunk.transfer, std::move(transfer)).first;
  }
  Transfer& transfer = found->second;
  if (!transfer.given_up.ok()) return false;
  if (chunk.total_bytes != transfer.total_bytes || chunk.offset != transfer.received_bytes ||
      chunk.bytes.size() > transfer.total_bytes - transfer.received_bytes) {
    return misfit(chunk, "byte " + std::to_string(transfer.received_bytes) + " of " +
                             std::to_string(transfer.total_bytes) + " was next");
  }
  std::memcpy(static_cast<char*>(transfer.data.get()) + chunk.offset, chunk.bytes.data(), chunk.bytes.size());
  transfer.received_bytes += chunk.bytes.size();
  return transfer.received_bytes == transfer.total_bytes;
}

Transfers::Taken Transfers::take(uint64_t transfer, uint64_t bytes, c10::DataPtr& data, Status& why) {
  std::lock_guard lock(mutex_);
  const auto found = transfers_.find(transfer);
  if (found == transfers_.end()) return Taken::kNotYet;
  if (!found->second.given_up.ok()) {
    why = std::move(found->second.given_up);
    transfers_.erase(found);
    return Taken::kGivenUp;
  }
  if (found->second.total_bytes != bytes) return Taken::kOtherSize;
  if (found->second.received_bytes != bytes) return Taken::kNotYet;
  data = std::move(found->second.data);
  bytes_ -= bytes;
  transfers_.erase(found);
  return Taken::kYes;
}

void Transfers::close() {
  std::lock_guard lock(mutex_);
  closed_ = true;
  transfers_.clear();
  bytes_ = 0;
}

}  // namespace remote::worker
