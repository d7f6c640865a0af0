#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace remote::fuzz {

/// Batches that a real client could send: every verb, ops of every kind of argument. What the fuzzer starts from.
std::vector<std::string> decoder_corpus();

/// What came of a batch.
struct Decoded {
  bool bystander_works = false;  ///< another session of the same worker still gets its answers
  uint64_t answers = 0;          ///< of the records that asked for something
  uint64_t failed_records = 0;
};
/// Hands bytes to a worker as a session's only batch, and to the readers of the wire one by one. Returns when the
/// worker has done with them.
Decoded decode(std::string_view bytes);

}  // namespace remote::fuzz
