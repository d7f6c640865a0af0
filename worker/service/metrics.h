#pragma once
#include <cstdint>
#include <memory>

#include <remote/base/status.h>
#include <worker/backend/backend.h>

namespace remote::worker {

/// Serves a backend's counters as Prometheus text at http://HOST:PORT/metrics, read anew at each request. Stops when
/// destroyed.
class MetricsServer {
 public:
  /// UNAVAILABLE: the port can't be had. Port 0 picks one.
  static StatusOr<std::unique_ptr<MetricsServer>> start(const std::string& host, uint16_t port,
                                                        std::shared_ptr<Backend> backend);
  virtual ~MetricsServer() = default;
  virtual uint16_t port() const = 0;
};

}  // namespace remote::worker
