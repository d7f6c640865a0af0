#pragma once
#include <c10/core/Allocator.h>

#include <cstdint>
#include <mutex>
#include <unordered_map>

#include <remote/base/status.h>
#include <remote/wire/reply.h>
#include <worker/backend/device.h>

namespace remote::worker {

/// The bytes of uploads that have come over the bulk connection and whose records have not run. Thread-safe.
class Transfers {
 public:
  /// `max_bytes`: how much a client may have outstanding.
  Transfers(Device& device, uint64_t max_bytes) : device_(device), max_bytes_(max_bytes) {}

  /// Takes a piece in; says whether its transfer is complete now. INVALID_ARGUMENT: it does not fit.
  /// RESOURCE_EXHAUSTED: too much is outstanding.
  StatusOr<bool> supply(const wire::Chunk& chunk);

  enum class Taken { kYes, kNotYet, kOtherSize, kGivenUp };
  /// Hands out the bytes of a transfer that is complete and has this size, or why they won't come.
  Taken take(uint64_t transfer, uint64_t bytes, c10::DataPtr& data, Status& why);
  /// Frees all, and refuses what still comes.
  void close();

 private:
  struct Transfer {
    c10::DataPtr data;
    uint64_t total_bytes = 0;
    uint64_t received_bytes = 0;
    Status given_up;  ///< not ok: what is missing won't come
  };

  /// With mutex_ held: what came of it is dropped, and whoever waits for it is told why.
  void give_up(const wire::Chunk& chunk);

  Device& device_;
  const uint64_t max_bytes_;
  std::mutex mutex_;
  std::unordered_map<uint64_t, Transfer> transfers_;
  uint64_t bytes_ = 0;  // of all transfers, as they will be when complete
  bool closed_ = false;
};

}  // namespace remote::worker
