#include <remote/wire/reply.h>

namespace remote::wire {

std::string encode(const SessionStatistics& statistics) {
  ByteWriter out;
  for (uint64_t value : {statistics.ops, statistics.skipped_ops, statistics.failed_ops, statistics.copied_outputs,
                         statistics.storages, statistics.storage_bytes}) {
    out.varint(value);
  }
  return out.take();
}

StatusOr<SessionStatistics> decode_session_statistics(std::string_view bytes) {
  ByteReader in(bytes);
  SessionStatistics statistics;
  for (uint64_t* value : {&statistics.ops, &statistics.skipped_ops, &statistics.failed_ops, &statistics.copied_outputs,
                          &statistics.storages, &statistics.storage_bytes}) {
    *value = in.varint();
  }
  if (!in.ok()) return Status(StatusCode::kDataLoss, "the worker's counters are cut off");
  return statistics;
}

}  // namespace remote::wire
