#pragma once
#include <c10/core/Device.h>

#include <string>

#include "apps/common/step_stats.h"

namespace remote::app {

/// Connects remote:0 to the worker that --worker names and returns the device to train on: an rt-worker's "host:port"
/// or "unix:/path"; "" or "embedded" for a worker in this process; "none" for the CPU, without a worker. Shows it the
/// credential of a file, unless `credential_file` is "". Throws remote::Error when there is no worker at the address or
/// it wants another credential, UsageError for what is no address or no credential.
c10::Device connect_worker(const std::string& address, const std::string& credential_file);

/// What the device's session has counted so far; nothing for a device without a worker.
StatsCounts device_counts(c10::Device device);

}  // namespace remote::app
