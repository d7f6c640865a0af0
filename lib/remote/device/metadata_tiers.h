#pragma once
#include <c10/core/Device.h>

#include <cstdint>

namespace remote::device {

/// How the client learned the sizes of what ops wrote or returned, in ops since the process began.
struct TierCounters {
  uint64_t sized = 0;           ///< written into tensors whose size was known: out variants, in-place ops
  uint64_t meta = 0;            ///< told by the op's Meta kernel: LibTorch's own for out variants, a custom op's
  uint64_t rule = 0;            ///< by a rule of device/shapes
  uint64_t cached = 0;          ///< asked for earlier, with the same arguments
  uint64_t asked = 0;           ///< the worker was asked: a synchronisation
  uint64_t data_dependent = 0;  ///< the size depends on values, so the worker is asked each time: a synchronisation
};

/// Of one device; thread-safe, no round trip.
TierCounters tier_counters(c10::DeviceIndex device);

}  // namespace remote::device
