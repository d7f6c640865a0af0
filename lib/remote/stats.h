#pragma once
#include <c10/core/Device.h>

#include <cstdint>
#include <map>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include <remote/client/counters.h>
#include <remote/device/metadata_tiers.h>
#include <remote/wire/reply.h>

namespace remote {

/// What the client has done on one device. The difference of two snapshots is what happened in between:
/// `remote::stats() - before`.
struct Stats {
  client::Counters client;      ///< of the device's session; zero before it is connected
  device::TierCounters tiers;   ///< how the sizes of outputs were learned
  /// How often each place has waited for the worker: {"Tensor.item", 3}, ... In a difference, places without a wait are
  /// left out.
  std::map<std::string, uint64_t> synchronisation_places;
};

/// A snapshot. Local: no round trip, connects nothing. Thread-safe. Throws remote::Error for a device that is not
/// remote.
Stats stats(c10::Device device = {c10::DeviceType::PrivateUse1, 0});

/// A session that was connected anew counts from 0: no counter of a difference goes below that.
Stats operator-(const Stats& later, const Stats& earlier);
/// The name and the value of each counter, in the order in which they are printed.
std::vector<std::pair<std::string, uint64_t>> named_counters(const Stats& stats);
/// A line a counter, for people.
std::ostream& operator<<(std::ostream& out, const Stats& stats);

/// What the worker counts for this session: ops run, skipped and failed, storages and their bytes. One round trip,
/// which counts as a synchronisation; connects the device. Throws remote::Error when the worker is gone.
wire::SessionStatistics worker_stats(c10::Device device = {c10::DeviceType::PrivateUse1, 0});

}  // namespace remote
