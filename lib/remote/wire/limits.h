#pragma once
#include <cstddef>
#include <cstdint>

namespace remote::wire {

/// Caps on single fields. A decoder refuses what exceeds them, whoever sent it.
inline constexpr size_t kMaxRank = 128;
inline constexpr size_t kMaxStringBytes = 1 << 20;
inline constexpr size_t kMaxListElements = 1 << 20;
/// A module path, the name of a parameter or of an op.
inline constexpr size_t kMaxNameBytes = 4 << 10;
/// Module paths that a session defines.
inline constexpr size_t kMaxScopes = 1 << 18;
inline constexpr uint64_t kMaxStorageBytes = uint64_t{1} << 46;
/// Elements of one view: strides of 0 make views that are larger than any storage.
inline constexpr uint64_t kMaxViewElements = uint64_t{1} << 40;

/// A value of at most this many bytes travels inside its record or reply; larger ones go over the bulk connection.
inline constexpr size_t kInlineBytes = 16 << 10;
/// Bulk data moves in chunks of this size.
inline constexpr size_t kChunkBytes = 1 << 20;
/// One transfer (one upload record) carries at most this much; larger uploads are several records.
inline constexpr size_t kTransferBytes = 16 << 20;

/// What a worker lets a session have outstanding. Sent in the handshake; the client stays within it.
struct Limits {
  /// Bytes of records that were sent and not yet executed.
  uint64_t max_inflight_bytes = 32 << 20;
  /// Records that were sent and not yet executed.
  uint64_t max_inflight_records = 1 << 16;
  /// Bytes of uploads whose record has not been executed.
  uint64_t max_inflight_transfer_bytes = 64 << 20;
  /// Bytes of one message of records.
  uint64_t max_batch_bytes = 256 << 10;
};

}  // namespace remote::wire
