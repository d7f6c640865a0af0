#pragma once
#include <optional>

#include <remote/wire/record.h>

namespace remote::wire {

/// Where a carrier or an executor takes records from. Thread-safe.
///
/// Whoever was woken goes on taking until it gets nullopt; only after that is it woken again.
class RecordSource {
 public:
  virtual ~RecordSource() = default;
  /// Whatever is queued, in order, up to about `max_bytes` (a single longer record comes alone); nullopt when nothing
  /// is. Never blocks.
  virtual std::optional<Batch> take(size_t max_bytes) = 0;
};

}  // namespace remote::wire
