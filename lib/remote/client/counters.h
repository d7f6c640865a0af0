#pragma once
#include <cstdint>

namespace remote::client {

/// What a session has done since it was opened.
struct Counters {
  uint64_t ops = 0;       ///< run records
  uint64_t records = 0;   ///< all records: runs, uploads, fetches, releases, definitions, ...
  uint64_t messages = 0;  ///< batches that the carrier took
  uint64_t bytes = 0;     ///< of those batches
  uint64_t uploads = 0;   ///< calls of upload()
  uint64_t upload_bytes = 0;
  uint64_t fetches = 0;
  uint64_t fetch_bytes = 0;
  uint64_t peer_bytes = 0;        ///< sent straight to other workers
  uint64_t synchronisations = 0;  ///< waits for the worker, an asked shape among them
  uint64_t credit_waits = 0;      ///< calls that had to wait because the worker was behind
};

}  // namespace remote::client
