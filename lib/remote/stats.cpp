#include <remote/stats.h>

#include <remote/device/error.h>
#include <remote/device/runtime.h>
#include <remote/device/sessions.h>

#include <algorithm>
#include <iomanip>

namespace remote {
namespace {

/// Calls `visit(name, member of Stats)` for each counter.
template <class S, class Visitor>
void visit_counters(S& stats, Visitor visit) {
  visit("ops", stats.client.ops);
  visit("records", stats.client.records);
  visit("messages", stats.client.messages);
  visit("bytes", stats.client.bytes);
  visit("uploads", stats.client.uploads);
  visit("upload bytes", stats.client.upload_bytes);
  visit("fetches", stats.client.fetches);
  visit("fetch bytes", stats.client.fetch_bytes);
  visit("bytes to other workers", stats.client.peer_bytes);
  visit("credit waits", stats.client.credit_waits);
  visit("outputs sized by the call", stats.tiers.sized);
  visit("outputs sized by LibTorch", stats.tiers.meta);
  visit("outputs sized by a rule", stats.tiers.rule);
  visit("outputs sized as before", stats.tiers.cached);
  visit("outputs sized by asking", stats.tiers.asked);
  visit("outputs sized by values", stats.tiers.data_dependent);
  visit("synchronisations", stats.client.synchronisations);
}

std::vector<uint64_t*> counters_of(Stats& stats) {
  std::vector<uint64_t*> counters;
  visit_counters(stats, [&](const char*, uint64_t& value) { counters.push_back(&value); });
  return counters;
}

}  // namespace

Stats stats(c10::Device device) {
  const c10::DeviceIndex index = device::remote_index(device, "remote::stats");
  Stats result;
  result.tiers = device::tier_counters(index);
  if (auto session = device::Runtime::get().session_if_connected(index)) {
    result.client = session->counters();
    result.synchronisation_places = session->synchronisation_places();
  }
  return result;
}

Stats operator-(const Stats& later, const Stats& earlier) {
  Stats result = later;
  Stats subtrahend = earlier;
  const auto values = counters_of(result), subtracted = counters_of(subtrahend);
  for (size_t i = 0; i < values.size(); ++i) *values[i] -= std::min(*values[i], *subtracted[i]);
  for (const auto& [place, count] : earlier.synchronisation_places) {
    const auto found = result.synchronisation_places.find(place);
    if (found == result.synchronisation_places.end()) continue;
    if ((found->second -= std::min(found->second, count)) == 0) result.synchronisation_places.erase(found);
  }
  return result;
}

std::vector<std::pair<std::string, uint64_t>> named_counters(const Stats& stats) {
  std::vector<std::pair<std::string, uint64_t>> named;
  visit_counters(stats, [&](const char* name, uint64_t value) { named.emplace_back(name, value); });
  return named;
}

std::ostream& operator<<(std::ostream& out, const Stats& stats) {
  for (const auto& [name, value] : named_counters(stats)) {
    out << std::left << std::setw(28) << name << std::right << std::setw(14) << value << "\n";
  }
  for (const auto& [place, count] : stats.synchronisation_places) {
    out << "  " << std::left << std::setw(26) << place << std::right << std::setw(14) << count << "\n";
  }
  return out;
}

wire::SessionStatistics worker_stats(c10::Device device) {
  auto& session = device::Runtime::get().session(device::remote_index(device, "remote::worker_stats"));
  session.count_synchronisation("remote::worker_stats");
  const auto pending = session.request(
      [](wire::RecordWriter& out, uint64_t request) { return out.fetch_statistics(request), Status(); });
  const std::string_view bytes = value_or_throw(pending->wait(std::nullopt, client::ReportErrors::kNo));
  return value_or_throw(wire::decode_session_statistics(bytes));
}

}  // namespace remote
