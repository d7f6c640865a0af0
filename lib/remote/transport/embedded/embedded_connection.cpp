#include <remote/transport/embedded/embedded_connection.h>

#include <ATen/Parallel.h>

#include <algorithm>
#include <atomic>

#include <worker/backend/backend.h>

namespace remote::transport {
namespace {

class Source final : public wire::RecordSource {
 public:
  explicit Source(wire::RecordSource& client) : client_(client) {}
  std::optional<wire::Batch> take(size_t max_bytes) override { return client_.take(max_bytes); }

 private:
  wire::RecordSource& client_;
};

class Sink final : public worker::SessionSink {
 public:
  explicit Sink(Listener& listener) : listener_(listener) {}

  void on_reply(wire::Reply reply) override { listener_.on_reply(std::move(reply)); }

  void on_bulk(uint64_t transfer, std::shared_ptr<const void>, const void* data, uint64_t bytes) override {
    const char* from = static_cast<const char*>(data);
    for (uint64_t at = 0; at < bytes; at += wire::kChunkBytes) {
      const uint64_t size = std::min<uint64_t>(bytes - at, wire::kChunkBytes);
      listener_.on_chunk({transfer, bytes, at, std::string_view(from + at, size)});
    }
  }

 private:
  Listener& listener_;
};

class EmbeddedConnection final : public Connection {
 public:
  EmbeddedConnection(std::shared_ptr<worker::Backend> backend, std::shared_ptr<worker::Session> session)
      : backend_(std::move(backend)), session_(std::move(session)) {}
  ~EmbeddedConnection() override { disconnect(); }

  const wire::Welcome& welcome() const override { return session_->welcome(); }
  void wake() override { session_->wake(); }
  Status send_chunk(const wire::Chunk& chunk) override { return session_->supply(chunk); }
  void close(std::chrono::milliseconds) override { disconnect(); }

 private:
  void disconnect() {
    if (!disconnected_.exchange(true)) session_->disconnect(/*keep_lease=*/false);
  }

  const std::shared_ptr<worker::Backend> backend_;
  const std::shared_ptr<worker::Session> session_;
  std::atomic<bool> disconnected_{false};
};

}  // namespace

StatusOr<std::unique_ptr<Connection>> connect_embedded(std::shared_ptr<worker::Backend> backend,
                                                       const wire::Hello& hello, wire::RecordSource& source,
                                                       Listener& listener) {
  auto session = backend->open(hello, std::make_shared<Source>(source), std::make_shared<Sink>(listener));
  if (!session.ok()) return session.status();
  return std::unique_ptr<Connection>(new EmbeddedConnection(std::move(backend), std::move(session).value()));
}

StatusOr<std::unique_ptr<Connection>> connect_embedded(const std::string& device, const wire::Hello& hello,
                                                       wire::RecordSource& source, Listener& listener) {
  worker::BackendOptions options;
  options.device = device;
  options.threads = at::get_num_threads();
  options.credential = hello.credential;
  options.shares_process = true;
  auto backend = worker::Backend::create(std::move(options));
  if (!backend.ok()) return backend.status();
  return connect_embedded(std::shared_ptr<worker::Backend>(std::move(backend).value()), hello, source, listener);
}

}  // namespace remote::transport
