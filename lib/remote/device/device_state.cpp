#include <remote/device/device_state.h>

#include <remote/device/metadata_tiers.h>
#include <remote/device/runtime.h>

namespace remote::device {

DeviceState& device_state(c10::DeviceIndex device) {
  static auto* states = new std::array<DeviceState, kDeviceCount>();
  return (*states)[Runtime::checked(device)];
}

TierCounters tier_counters(c10::DeviceIndex device) {
  const DeviceState& state = device_state(device);
  const auto count = [&](Tier tier) {
    return state.tiers[static_cast<size_t>(tier)].load(std::memory_order_relaxed);
  };
  return {count(Tier::kSized),  count(Tier::kMeta),  count(Tier::kRule),
          count(Tier::kCached), count(Tier::kAsked), count(Tier::kDataDependent)};
}

}  // namespace remote::device
