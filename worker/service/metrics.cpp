#include "worker/service/metrics.h"

#include <httplib.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <thread>

namespace remote::worker {
namespace {

constexpr const char* kTextFormat = "text/plain; version=0.0.4; charset=utf-8";
constexpr size_t kThreads = 2;

prometheus::MetricFamily gauge(std::string name, std::string help, uint64_t value) {
  prometheus::ClientMetric metric;
  metric.gauge.value = static_cast<double>(value);
  return {std::move(name), std::move(help), prometheus::MetricType::Gauge, {std::move(metric)}};
}

prometheus::MetricFamily counter(std::string name, std::string help, uint64_t value) {
  prometheus::ClientMetric metric;
  metric.counter.value = static_cast<double>(value);
  return {std::move(name), std::move(help), prometheus::MetricType::Counter, {std::move(metric)}};
}

std::string text_of(const BackendStatistics& now) {
  return prometheus::TextSerializer().Serialize({
      gauge("remote_worker_sessions", "Sessions that are open, those in their lease included", now.sessions),
      counter("remote_worker_sessions_opened_total", "Sessions opened since the start", now.sessions_opened),
      counter("remote_worker_ops_total", "Ops run since the start, the failed ones included", now.ops),
      counter("remote_worker_failed_ops_total", "Ops that failed by themselves since the start", now.failed_ops),
      gauge("remote_worker_storages", "Storages that sessions hold", now.storages),
      gauge("remote_worker_storage_bytes", "Bytes of the storages that sessions hold", now.storage_bytes),
  });
}

// Not prometheus-cpp's own server: its threads have stacks of 100 KiB, which the thread-local variables of CUDA's
// libraries fill, so that beside them it never starts.
class HttpServer final : public MetricsServer {
 public:
  explicit HttpServer(std::shared_ptr<Backend> backend) {
    server_.new_task_queue = [] { return new httplib::ThreadPool(kThreads); };
    server_.set_keep_alive_max_count(1);  // a connection that idles would keep a thread
    // The library's own choice lets two workers listen on one port.
    server_.set_socket_options([](socket_t socket) {
      const int yes = 1;
      setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    });
    server_.Get("/metrics", [backend = std::move(backend)](const httplib::Request&, httplib::Response& response) {
      response.set_content(text_of(backend->statistics()), kTextFormat);
    });
  }
  ~HttpServer() override {
    server_.stop();
    if (thread_.joinable()) thread_.join();
  }

  /// False where the port can't be had.
  bool start(const std::string& host, uint16_t port) {
    const int bound = port == 0 ? server_.bind_to_any_port(host) : server_.bind_to_port(host, port) ? port : -1;
    if (bound <= 0) return false;
    port_ = static_cast<uint16_t>(bound);
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    // Before it runs, stop() would do nothing.
    while (!server_.is_running()) std::this_thread::yield();
    return true;
  }
  uint16_t port() const override { return port_; }

 private:
  httplib::Server server_;
  std::thread thread_;
  uint16_t port_ = 0;
};

}  // namespace

StatusOr<std::unique_ptr<MetricsServer>> MetricsServer::start(const std::string& host, uint16_t port,
                                                              std::shared_ptr<Backend> backend) {
  auto server = std::make_unique<HttpServer>(std::move(backend));
  if (server->start(host, port)) return std::unique_ptr<MetricsServer>(std::move(server));
  return Status(StatusCode::kUnavailable, "can't serve metrics on " + host + ":" + std::to_string(port) +
                                              ": the port is in use or not allowed; choose another --metrics-port");
}

}  // namespace remote::worker
