#include "worker/service/metrics.h"

#include <prometheus/client_metric.h>
#include <prometheus/collectable.h>
#include <prometheus/exposer.h>
#include <prometheus/metric_family.h>

#include <exception>

namespace remote::worker {
namespace {

class Counters final : public prometheus::Collectable {
 public:
  explicit Counters(std::shared_ptr<Backend> backend) : backend_(std::move(backend)) {}

  std::vector<prometheus::MetricFamily> Collect() const override {
    const BackendStatistics now = backend_->statistics();
    return {
        gauge("remote_worker_sessions", "Sessions that are open, those in their lease included", now.sessions),
        counter("remote_worker_sessions_opened_total", "Sessions opened since the start", now.sessions_opened),
        counter("remote_worker_ops_total", "Ops run since the start, the failed ones included", now.ops),
        counter("remote_worker_failed_ops_total", "Ops that failed by themselves since the start", now.failed_ops),
        gauge("remote_worker_storages", "Storages that sessions hold", now.storages),
        gauge("remote_worker_storage_bytes", "Bytes of the storages that sessions hold", now.storage_bytes),
    };
  }

 private:
  static prometheus::MetricFamily gauge(std::string name, std::string help, uint64_t value) {
    prometheus::ClientMetric metric;
    metric.gauge.value = static_cast<double>(value);
    return {std::move(name), std::move(help), prometheus::MetricType::Gauge, {std::move(metric)}};
  }
  static prometheus::MetricFamily counter(std::string name, std::string help, uint64_t value) {
    prometheus::ClientMetric metric;
    metric.counter.value = static_cast<double>(value);
    return {std::move(name), std::move(help), prometheus::MetricType::Counter, {std::move(metric)}};
  }

  const std::shared_ptr<Backend> backend_;
};

class PrometheusServer final : public MetricsServer {
 public:
  PrometheusServer(const std::string& bind_address, std::shared_ptr<Backend> backend)
      : counters_(std::make_shared<Counters>(std::move(backend))), exposer_(bind_address, /*num_threads=*/1) {
    exposer_.RegisterCollectable(counters_);
  }
  uint16_t port() const override { return static_cast<uint16_t>(exposer_.GetListeningPorts().at(0)); }

 private:
  const std::shared_ptr<Counters> counters_;
  prometheus::Exposer exposer_;
};

}  // namespace

StatusOr<std::unique_ptr<MetricsServer>> MetricsServer::start(const std::string& host, uint16_t port,
                                                              std::shared_ptr<Backend> backend) {
  const std::string address = host + ":" + std::to_string(port);
  try {
    return std::unique_ptr<MetricsServer>(std::make_unique<PrometheusServer>(address, std::move(backend)));
  } catch (const std::exception&) {
    return Status(StatusCode::kUnavailable, "can't serve metrics on " + address +
                                                ": the port is in use or not allowed; choose another --metrics-port");
  }
}

}  // namespace remote::worker
