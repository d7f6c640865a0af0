#pragma once
#include <cstdint>

namespace remote::client {

/// A number for a new storage, never 0 and never given out again. A random base drawn per process plus a counter, so
/// that ids of several clients do not meet on a worker. Thread-safe, costs nothing to speak of.
uint64_t next_storage_id();
/// The first of `count` such numbers that follow each other.
uint64_t reserve_storage_ids(uint64_t count);

}  // namespace remote::client
