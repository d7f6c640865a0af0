#pragma once
#include <c10/core/Allocator.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <remote/wire/record.h>
#include <remote/wire/reply.h>
#include <worker/backend/device.h>

namespace remote::worker {

/// What the records of a session have left to say, until a reply takes it along. Used on the executor thread.
struct Outbox {
  /// An answer, and what it waits for.
  struct Delivery {
    wire::RequestedValue value;
    c10::DataPtr bytes;  ///< of a fetch; null where the value has them, or there are none
    uint64_t byte_count = 0;
    std::unique_ptr<Ticket> ticket;  ///< null: it can go
    std::optional<wire::Peer> peer =
        {};                          ///< where the bytes go in place of the client, who is told when they are there
    uint64_t transfer = 0;           ///< of the peer
  };

  static constexpr size_t kMaxWarnings = 64;

  /// Takes as many warnings as one reply should carry, and counts the others.
  void warn(std::string text) {
    if (warnings.size() < kMaxWarnings) {
      warnings.push_back(std::move(text));
    } else {
      ++further_warnings;
    }
  }
  std::vector<std::string> take_warnings() {
    if (further_warnings != 0) warnings.push_back("and " + std::to_string(further_warnings) + " more warnings of ops");
    further_warnings = 0;
    return std::exchange(warnings, {});
  }

  std::vector<wire::Failure> failures;
  std::deque<Delivery> deliveries;
  std::vector<std::string> warnings;
  uint64_t further_warnings = 0;

  /// Whether there is nothing that anybody waits for; warnings go along with the next reply.
  bool empty() const { return failures.empty() && deliveries.empty(); }
};

}  // namespace remote::worker
