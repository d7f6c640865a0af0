#pragma once
#include <c10/core/Allocator.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
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

  std::vector<wire::Failure> failures;
  std::deque<Delivery> deliveries;

  bool empty() const { return failures.empty() && deliveries.empty(); }
};

}  // namespace remote::worker
