#pragma once
#include <c10/core/Device.h>

namespace remote {

/// The device on which the library makes a tensor or a module when none is named: that of the calling thread's
/// DeviceScope, else the thread's current remote device, which is remote:0 unless a c10::DeviceGuard says otherwise.
/// Costs nothing and connects nothing.
c10::Device current_device();
/// The same, except that a DeviceScope on another kind of device doesn't count.
c10::Device current_remote_device();

}  // namespace remote
