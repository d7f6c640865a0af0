#include "apps/common/worker.h"

#include <remote/base/credential.h>
#include <remote/connect.h>
#include <remote/stats.h>
#include <remote/transport/address.h>

#include "apps/common/guarded_main.h"

namespace remote::app {

c10::Device connect_worker(const std::string& address, const std::string& credential_file) {
  if (address == "none") return c10::Device(c10::kCPU);
  const std::string worker = address.empty() ? "embedded" : address;
  if (const auto parsed = transport::parse_address(worker); !parsed.ok()) {
    throw UsageError("--worker: " + parsed.status().message() + ", or none for no worker");
  }
  ConnectOptions options;
  if (!credential_file.empty()) {
    auto credential = read_credential(credential_file);
    if (!credential.ok()) throw UsageError("--credential-file: " + credential.status().message());
    options.credential = std::move(credential).value();
  }
  connect({worker}, options);
  return c10::Device(c10::DeviceType::PrivateUse1, 0);
}

StatsCounts device_counts(c10::Device device) {
  if (device.is_cpu()) return {};
  const Stats now = stats(device);
  return {{"operations", now.client.ops},
          {"records", now.client.records},
          {"messages", now.client.messages},
          {"bytes", now.client.bytes},
          {"uploads", now.client.uploads},
          {"uploaded bytes", now.client.upload_bytes},
          {"fetches", now.client.fetches},
          {"fetched bytes", now.client.fetch_bytes},
          {"shapes asked for", now.tiers.asked + now.tiers.data_dependent},
          {"waits for credit", now.client.credit_waits},
          {"synchronisations", now.client.synchronisations}};
}

}  // namespace remote::app
