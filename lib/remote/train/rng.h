#pragma once
#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <cstdint>

namespace remote::train {

// The default generator of a device: what initialisers and dropout draw from. For the CPU it is the process's own.

/// Seeds the generator that is on `device`. Everything that a run draws comes after this.
void seed_rng(c10::Device device, uint64_t seed);

/// The state as a uint8 CPU tensor. One round trip on a remote device.
at::Tensor rng_state(c10::Device device);

/// Continues where rng_state() was taken. Throws remote::Error for a state that the device's generator can't take, for
/// instance one from a worker with another kind of device.
void set_rng_state(c10::Device device, const at::Tensor& state);

}  // namespace remote::train
