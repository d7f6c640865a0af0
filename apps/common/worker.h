#pragma once
#include <c10/core/Device.h>

#include <string>

#include "apps/common/step_stats.h"

namespace remote::app {

/// Connects remote:0 to the worker that --worker names and returns the device to train on: an rt-worker's "host:port"
/// or "unix:/path"; "" or "embedded" for a worker in this process; "none" for the CPU, without a worker. Throws
/// remote::Error when there is no worker at the address, UsageError for what is no address.
c10::Device connect_worker(const std::string& address);

/// What the device's session has counted so far; nothing for a device without a worker.
StatsCounts device_counts(c10::Device device);

}  // namespace remote::app
