#pragma once
#include <array>
#include <atomic>
#include <cstdint>

#include <remote/device/settings.h>
#include <remote/device/storage.h>

namespace remote::device {

/// The ways in which output metadata is learned; see TierCounters.
enum class Tier : uint8_t { kSized, kMeta, kRule, kCached, kAsked, kDataDependent, kCount };

/// What the recorder keeps for one device beside its session.
struct DeviceState {
  std::array<std::atomic<uint64_t>, static_cast<size_t>(Tier::kCount)> tiers{};
  /// What the session has been told; guarded by the lock of its stream.
  Settings sent_settings;

  void count(Tier tier) { tiers[static_cast<size_t>(tier)].fetch_add(1, std::memory_order_relaxed); }
};

/// Leaked, because tensors may outlive static destruction.
DeviceState& device_state(c10::DeviceIndex device);

}  // namespace remote::device
