#pragma once
#include <gmock/gmock.h>

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <remote/client/session.h>

namespace remote::client {

/// What Session::upload() asks for: the length of a storage that its stream has not mentioned.
inline auto length(uint64_t bytes) {
  return [bytes] { return std::optional<uint64_t>(bytes); };
}

/// A carrier without a worker: the test takes the batches and writes the replies itself.
class FakeConnection final : public transport::Connection {
 public:
  FakeConnection(wire::Welcome welcome, wire::RecordSource& source, transport::Listener& listener)
      : source(source), listener(listener), welcome_(std::move(welcome)) {}

  ~FakeConnection() override {
    if (on_gone) on_gone();
  }

  const wire::Welcome& welcome() const override { return welcome_; }
  void wake() override { ++wakes; }
  Status send_chunk(const wire::Chunk& chunk) override {
    if (on_chunk_sent) REMOTE_RETURN_IF_ERROR(on_chunk_sent(chunk));
    std::lock_guard lock(mutex_);
    uploads_[chunk.transfer].append(chunk.bytes);
    return {};
  }
  void close(std::chrono::milliseconds) override {
    if (on_close) on_close();
  }

  std::string uploaded(uint64_t transfer) {
    std::lock_guard lock(mutex_);
    return uploads_[transfer];
  }
  /// All that is queued, as one text of bytes.
  std::string take_all() {
    std::string bytes;
    while (auto batch = source.take(1 << 20)) bytes += batch->bytes;
    return bytes;
  }
  void reply_executed(uint64_t sequence) { listener.on_reply({sequence, sequence, {}, {}}); }
  void reply_failure(uint64_t sequence, std::string message) {
    listener.on_reply({sequence, sequence, {{sequence, {StatusCode::kInvalidArgument, std::move(message)}}}, {}});
  }
  void reply_value(uint64_t request, std::string bytes) {
    wire::RequestedValue value;
    value.request = request;
    value.bytes = std::move(bytes);
    reply_with(std::move(value));
  }
  void reply_bulk(uint64_t request, uint64_t bytes) {
    wire::RequestedValue value;
    value.request = request;
    value.bulk = true;
    value.bulk_bytes = bytes;
    reply_with(std::move(value));
  }
  void reply_value_failure(uint64_t request, uint64_t failed_sequence, std::string message) {
    wire::RequestedValue value;
    value.request = request;
    value.status = {StatusCode::kInvalidArgument, std::move(message)};
    value.failed_sequence = failed_sequence;
    reply_with(std::move(value));
  }

  wire::RecordSource& source;
  transport::Listener& listener;
  std::atomic<int> wakes{0};
  std::function<Status(const wire::Chunk&)> on_chunk_sent;
  std::function<void()> on_close, on_gone;

 private:
  void reply_with(wire::RequestedValue value) {
    wire::Reply reply;
    reply.values.push_back(std::move(value));
    listener.on_reply(std::move(reply));
  }

  const wire::Welcome welcome_;
  std::mutex mutex_;
  std::map<uint64_t, std::string> uploads_;
};

inline wire::Welcome welcome_with(wire::Limits limits = {}) {
  wire::Welcome welcome;
  welcome.protocol_version = 1;
  welcome.limits = limits;
  return welcome;
}

/// A session on a fake connection.
struct FakeSession {
  explicit FakeSession(wire::Limits limits = {}, SessionOptions options = {}) {
    auto connected =
        Session::connect_with("fake:1", options,
                              [&](const wire::Hello&, wire::RecordSource& source,
                                  transport::Listener& listener) -> StatusOr<std::unique_ptr<transport::Connection>> {
                                auto made = std::make_unique<FakeConnection>(welcome_with(limits), source, listener);
                                connection = made.get();
                                return std::unique_ptr<transport::Connection>(std::move(made));
                              });
    session = std::move(connected).value();
  }
  Session* operator->() { return session.get(); }

  /// Records a seed verb with this number: something small to recognise.
  StatusOr<uint64_t> record(uint64_t number) {
    return session->record([&](wire::RecordWriter& out) { return out.seed(number, number), Status(); });
  }

  std::shared_ptr<Session> session;
  FakeConnection* connection = nullptr;
};

/// A tensor of `bytes` uint8 elements in storage 7.
inline wire::TensorRef bytes_ref(int64_t bytes) {
  wire::TensorRef ref;
  ref.storage = 7;
  ref.dtype = c10::ScalarType::Byte;
  ref.sizes = {bytes};
  ref.strides = {1};
  return ref;
}

/// The bytes that these calls on a writer would make.
inline std::string bytes_of(const std::function<void(wire::RecordWriter&)>& write) {
  wire::RecordWriter writer;
  write(writer);
  return writer.take(1).bytes;
}

/// Waits until the condition holds, and says whether it did within five seconds.
inline bool eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

}  // namespace remote::client
