#pragma once
#include <torch/version.h>

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <remote/transport/connection.h>
#include <remote/wire/record.h>
#include <remote/wire/version.h>

namespace remote::transport {

/// The least that a client needs: a queue of records, and what came back. The suite uses it instead of client::Session
/// so that it shows what the carrier does by itself. Thread-safe.
class TestClient final : public wire::RecordSource, public Listener {
 public:
  static wire::Hello hello() {
    wire::Hello hello;
    hello.protocol_version = wire::kProtocolVersion;
    hello.torch_version = TORCH_VERSION;
    hello.client_name = "connection suite";
    return hello;
  }

  /// Queues records without telling the carrier.
  void queue(const std::function<void(wire::RecordWriter&)>& write) {
    std::lock_guard lock(mutex_);
    write(writer_);
  }
  /// Queues records and wakes the carrier.
  void send(const std::function<void(wire::RecordWriter&)>& write) {
    queue(write);
    connection->wake();
  }

  /// Queues an upload record and sends its bytes as chunks.
  Status upload(uint64_t storage, std::optional<uint64_t> fresh_bytes, uint64_t offset, uint64_t transfer,
                std::string_view bytes) {
    send([&](wire::RecordWriter& out) { out.upload_transfer(storage, fresh_bytes, offset, transfer, bytes.size()); });
    for (uint64_t at = 0; at < bytes.size(); at += wire::kChunkBytes) {
      const auto piece = bytes.substr(at, wire::kChunkBytes);
      REMOTE_RETURN_IF_ERROR(connection->send_chunk({transfer, bytes.size(), at, piece}));
    }
    return {};
  }

  /// Waits until every record so far has run.
  bool wait_until_executed() {
    std::unique_lock lock(mutex_);
    return wait(lock, [&] { return executed_ + 1 == next_sequence_ && writer_.record_count() == 0; });
  }
  /// Waits for the answer to a request with all its bytes; fails the test by an empty optional after a while.
  std::optional<wire::RequestedValue> value(uint64_t request) {
    std::unique_lock lock(mutex_);
    const bool came = wait(lock, [&] {
      const auto found = values_.find(request);
      return found != values_.end() && (!found->second.bulk || bulk_[request].size() == found->second.bulk_bytes);
    });
    if (!came) return std::nullopt;
    wire::RequestedValue value = values_[request];
    if (value.bulk) value.bytes = bulk_[request];
    return value;
  }
  std::vector<wire::Failure> failures() {
    std::lock_guard lock(mutex_);
    return failures_;
  }
  std::optional<Status> closed() {
    std::lock_guard lock(mutex_);
    return closed_;
  }
  bool wait_until_closed() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(30), [&] { return closed_.has_value(); });
  }
  /// A reply or piece that broke the contract: watermarks that went back, chunks out of order.
  std::string complaint() {
    std::lock_guard lock(mutex_);
    return complaint_;
  }

  std::optional<wire::Batch> take(size_t) override {
    std::lock_guard lock(mutex_);
    if (writer_.record_count() == 0) return std::nullopt;
    wire::Batch batch = writer_.take(next_sequence_);
    next_sequence_ += batch.record_count;
    return batch;
  }
  void on_reply(wire::Reply reply) override {
    std::lock_guard lock(mutex_);
    if (reply.executed < executed_ || reply.executed > reply.received || reply.received >= next_sequence_) {
      complaint_ = "watermarks " + std::to_string(reply.received) + ", " + std::to_string(reply.executed);
    }
    executed_ = reply.executed;
    for (auto& failure : reply.failures) failures_.push_back(std::move(failure));
    for (auto& value : reply.values) values_[value.request] = std::move(value);
    changed_.notify_all();
  }
  void on_chunk(const wire::Chunk& chunk) override {
    std::lock_guard lock(mutex_);
    auto& bytes = bulk_[chunk.transfer];
    if (chunk.offset != bytes.size()) complaint_ = "chunk at " + std::to_string(chunk.offset);
    bytes.append(chunk.bytes);
    changed_.notify_all();
  }
  void on_closed(Status reason) override {
    std::lock_guard lock(mutex_);
    closed_ = std::move(reason);
    changed_.notify_all();
  }

  std::unique_ptr<Connection> connection;

 private:
  bool wait(std::unique_lock<std::mutex>& lock, const std::function<bool()>& condition) {
    return changed_.wait_for(lock, std::chrono::seconds(30), [&] { return closed_ || condition(); }) && condition();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  wire::RecordWriter writer_;
  uint64_t next_sequence_ = 1;
  uint64_t executed_ = 0;
  std::map<uint64_t, wire::RequestedValue> values_;
  std::map<uint64_t, std::string> bulk_;
  std::vector<wire::Failure> failures_;
  std::optional<Status> closed_;
  std::string complaint_;
};

}  // namespace remote::transport
