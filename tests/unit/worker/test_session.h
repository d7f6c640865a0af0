#pragma once
#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <torch/version.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include <remote/wire/record.h>
#include <remote/wire/value.h>
#include <remote/wire/version.h>
#include <worker/backend/backend.h>

namespace remote::worker {

/// An argument of an op: a tensor on the worker, a list of them, or a value as it is.
using Argument = std::variant<wire::TensorRef, std::vector<wire::TensorRef>, c10::IValue>;

/// A client with no transport: records go to the backend as they are written, and replies are kept. Thread-safe.
class TestSession {
 public:
  explicit TestSession(Backend& backend, wire::Hello hello = make_hello()) : link_(std::make_shared<Link>()) {
    auto opened = backend.open(hello, link_, link_);
    status = opened.status();
    if (opened.ok()) session = std::move(opened).value();
  }
  ~TestSession() {
    if (session) session->disconnect(/*keep_lease=*/false);
  }

  static wire::Hello make_hello() {
    wire::Hello hello;
    hello.protocol_version = wire::kProtocolVersion;
    hello.torch_version = TORCH_VERSION;
    return hello;
  }
  static wire::TensorRef ref(uint64_t storage, c10::ScalarType dtype, c10::ArrayRef<int64_t> sizes,
                             c10::ArrayRef<int64_t> strides = {}, int64_t offset = 0) {
    wire::TensorRef ref;
    ref.storage = storage;
    ref.dtype = dtype;
    ref.sizes.assign(sizes.begin(), sizes.end());
    ref.strides.assign(strides.begin(), strides.end());
    ref.offset = offset;
    if (strides.size() == sizes.size()) return ref;
    ref.strides.resize(sizes.size());
    int64_t stride = 1;
    for (size_t i = sizes.size(); i-- > 0; stride *= std::max<int64_t>(sizes[i], 1)) ref.strides[i] = stride;
    return ref;
  }

  uint64_t next_id() { return ++last_id_; }
  /// Writes records without telling the worker, or with it. Returns the sequence number of the last.
  uint64_t queue(const std::function<void(wire::RecordWriter&)>& write) { return link_->queue(write); }
  uint64_t send(const std::function<void(wire::RecordWriter&)>& write) {
    const uint64_t sequence = queue(write);
    session->wake();
    return sequence;
  }
  /// Hands the worker bytes that need not be records.
  void send_batch(wire::Batch batch) {
    link_->queue_batch(std::move(batch));
    session->wake();
  }

  /// A storage that the next mention makes.
  wire::TensorRef fresh(c10::ScalarType dtype, c10::ArrayRef<int64_t> sizes) {
    wire::TensorRef made = ref(next_id(), dtype, sizes);
    made.fresh = true;
    made.fresh_bytes = c10::elementSize(dtype) * c10::multiply_integers(sizes);
    return made;
  }
  static wire::TensorRef known(wire::TensorRef ref) {
    ref.fresh = false;
    ref.fresh_bytes = 0;
    return ref;
  }
  /// Uploads a CPU tensor's storage.
  wire::TensorRef upload(const at::Tensor& tensor) {
    const uint64_t id = next_id();
    const auto& storage = tensor.storage();
    send([&](wire::RecordWriter& out) {
      out.upload_inline(id, storage.nbytes(), 0,
                        std::string_view(static_cast<const char*>(storage.data()), storage.nbytes()));
    });
    return ref(id, tensor.scalar_type(), tensor.sizes(), tensor.strides(), tensor.storage_offset());
  }
  wire::TensorRef floats(std::vector<float> values) { return upload(at::tensor(values)); }

  /// Runs an op; without outputs, with declared ones, or asking for them.
  uint64_t run(const char* name, const char* overload, const std::vector<Argument>& arguments, uint32_t scope = 0) {
    return write_run(name, overload, arguments, scope, [](wire::RecordWriter& out) { out.end_run(); });
  }
  uint64_t run_declared(const char* name, const char* overload, const std::vector<Argument>& arguments,
                        const std::vector<wire::OutputDeclaration>& outputs, uint32_t scope = 0) {
    return write_run(name, overload, arguments, scope, [&](wire::RecordWriter& out) { out.end_run(outputs); });
  }
  wire::RequestedValue run_ask(const char* name, const char* overload, const std::vector<Argument>& arguments,
                               uint64_t first_id) {
    const uint64_t request = next_request();
    write_run(name, overload, arguments, 0, [&](wire::RecordWriter& out) { out.end_run_ask(request, first_id); });
    return value(request);
  }
  static wire::OutputDeclaration declare(const wire::TensorRef& ref) {
    wire::OutputDeclaration output;
    output.kind = wire::OutputDeclaration::Kind::kTensor;
    output.storage = ref.storage;
    output.dtype = ref.dtype;
    output.sizes = ref.sizes;
    output.strides = ref.strides;
    return output;
  }
  static wire::OutputDeclaration declare_opaque(uint64_t storage) {
    wire::OutputDeclaration output;
    output.kind = wire::OutputDeclaration::Kind::kOpaque;
    output.storage = storage;
    return output;
  }
  /// Runs an op that returns one tensor into a new storage of this layout.
  wire::TensorRef call(const char* name, const char* overload, const std::vector<Argument>& arguments,
                       c10::ScalarType dtype, c10::ArrayRef<int64_t> sizes, c10::ArrayRef<int64_t> strides = {}) {
    const wire::TensorRef result = ref(next_id(), dtype, sizes, strides);
    run_declared(name, overload, arguments, {declare(result)});
    return result;
  }

  uint64_t next_request() { return ++last_request_; }
  /// Waits for an answer. A failed test, and an answer with DEADLINE_EXCEEDED, when none comes.
  wire::RequestedValue value(uint64_t request) { return link_->value(request); }
  wire::RequestedValue fetch(const wire::TensorRef& tensor) {
    const uint64_t request = next_request();
    send([&](wire::RecordWriter& out) { out.fetch(request, tensor); });
    return value(request);
  }
  /// A tensor's values; undefined, and a failed test, when there is an error.
  at::Tensor read(const wire::TensorRef& tensor) {
    const auto answer = fetch(tensor);
    EXPECT_TRUE(answer.status.ok()) << answer.status;
    if (!answer.status.ok()) return {};
    at::Tensor result = at::empty(tensor.sizes, at::TensorOptions(tensor.dtype));
    EXPECT_EQ(result.nbytes(), answer.bytes.size());
    std::memcpy(result.mutable_data_ptr(), answer.bytes.data(), answer.bytes.size());
    return result;
  }
  Status fetch_status(const wire::TensorRef& tensor) { return fetch(tensor).status; }
  void synchronize() {
    const uint64_t request = next_request();
    send([&](wire::RecordWriter& out) { out.synchronize(request); });
    EXPECT_EQ(value(request).status, Status());
  }
  wire::SessionStatistics statistics() {
    const uint64_t request = next_request();
    send([&](wire::RecordWriter& out) { out.fetch_statistics(request); });
    return wire::decode_session_statistics(value(request).bytes).value();
  }
  std::vector<wire::Failure> failures() {
    synchronize();
    return link_->failures();
  }
  /// Those that have come.
  std::vector<std::string> warnings() { return link_->warnings(); }
  /// The error that ended the session; waits for it.
  Status end_reason() { return link_->end_reason(); }
  uint64_t executed() { return link_->executed(); }
  uint64_t replies() { return link_->replies(); }
  /// Keeps the bytes of bulk fetches from being let go.
  void hold_bulk(bool hold) { link_->hold_bulk(hold); }
  uint64_t bulk_count() { return link_->bulk_count(); }

  std::shared_ptr<Session> session;
  Status status;

 private:
  struct NullDescriber final : wire::ArgumentDescriber {
    bool describe(const at::Tensor&, wire::TensorRef&) override { return false; }
    StatusOr<uint64_t> describe(const at::Generator&) override { return uint64_t{0}; }
  };

  class Link final : public wire::RecordSource, public SessionSink {
   public:
    uint64_t queue(const std::function<void(wire::RecordWriter&)>& write) {
      std::lock_guard lock(mutex_);
      write(writer_);
      return next_sequence_ + writer_.record_count() - 1;
    }
    void queue_batch(wire::Batch batch) {
      std::lock_guard lock(mutex_);
      batches_.push_back(std::move(batch));
    }
    std::optional<wire::Batch> take(size_t) override {
      std::lock_guard lock(mutex_);
      if (!batches_.empty()) {
        wire::Batch batch = std::move(batches_.front());
        batches_.erase(batches_.begin());
        return batch;
      }
      if (writer_.record_count() == 0) return std::nullopt;
      wire::Batch batch = writer_.take(next_sequence_);
      next_sequence_ += batch.record_count;
      return batch;
    }
    void on_reply(wire::Reply reply) override {
      std::lock_guard lock(mutex_);
      ++replies_;
      executed_ = reply.executed;
      for (auto& failure : reply.failures) failures_.push_back(std::move(failure));
      for (auto& warning : reply.warnings) warnings_.push_back(std::move(warning));
      for (auto& value : reply.values) values_[value.request] = std::move(value);
      changed_.notify_all();
    }
    void on_bulk(uint64_t transfer, std::shared_ptr<const void> owner, const void* data, uint64_t bytes) override {
      std::lock_guard lock(mutex_);
      bulk_[transfer].assign(static_cast<const char*>(data), bytes);
      if (hold_) held_.push_back(std::move(owner));
      changed_.notify_all();
    }
    wire::RequestedValue value(uint64_t request) {
      std::unique_lock lock(mutex_);
      const bool came = changed_.wait_for(lock, std::chrono::seconds(20), [&] {
        const auto found = values_.find(request);
        return found != values_.end() && (!found->second.bulk || bulk_.contains(request));
      });
      EXPECT_TRUE(came) << "no answer to request " << request
                        << (failures_.empty() ? "" : ": " + failures_.back().status.to_string());
      if (!came) return {request, {StatusCode::kDeadlineExceeded, "no answer"}, 0, {}, false, 0, {}};
      wire::RequestedValue value = values_[request];
      if (value.bulk) value.bytes = bulk_[request];
      return value;
    }
    std::vector<wire::Failure> failures() {
      std::lock_guard lock(mutex_);
      return failures_;
    }
    std::vector<std::string> warnings() {
      std::lock_guard lock(mutex_);
      return warnings_;
    }
    Status end_reason() {
      std::unique_lock lock(mutex_);
      const bool ended = changed_.wait_for(lock, std::chrono::seconds(20),
                                           [&] { return !failures_.empty() && failures_.back().sequence == 0; });
      EXPECT_TRUE(ended) << "the session goes on";
      return ended ? failures_.back().status : Status();
    }
    uint64_t executed() {
      std::lock_guard lock(mutex_);
      return executed_;
    }
    uint64_t replies() {
      std::lock_guard lock(mutex_);
      return replies_;
    }
    void hold_bulk(bool hold) {
      std::vector<std::shared_ptr<const void>> dropped;
      std::lock_guard lock(mutex_);
      hold_ = hold;
      if (!hold) dropped.swap(held_);
    }
    uint64_t bulk_count() {
      std::lock_guard lock(mutex_);
      return bulk_.size();
    }

   private:
    std::mutex mutex_;
    std::condition_variable changed_;
    wire::RecordWriter writer_;
    std::vector<wire::Batch> batches_;
    uint64_t next_sequence_ = 1;
    uint64_t executed_ = 0;
    uint64_t replies_ = 0;
    std::vector<wire::Failure> failures_;
    std::vector<std::string> warnings_;
    std::map<uint64_t, wire::RequestedValue> values_;
    std::map<uint64_t, std::string> bulk_;
    bool hold_ = false;
    std::vector<std::shared_ptr<const void>> held_;
  };

  uint64_t write_run(const char* name, const char* overload, const std::vector<Argument>& arguments, uint32_t scope,
                     const std::function<void(wire::RecordWriter&)>& end) {
    return send([&](wire::RecordWriter& out) {
      const auto [entry, is_new] = ops_.try_emplace({name, overload}, ops_.size() + 1);
      if (is_new) {
        const auto op = c10::Dispatcher::singleton().findSchemaOrThrow(name, overload);
        out.define_op(entry->second, name, overload, toString(op.schema()));
      }
      out.begin_run(entry->second, scope);
      for (const auto& argument : arguments) write_argument(out.out(), argument);
      end(out);
    });
  }

  static void write_argument(wire::ByteWriter& out, const Argument& argument) {
    if (const auto* tensor = std::get_if<wire::TensorRef>(&argument)) {
      out.u8(static_cast<uint8_t>(wire::Tag::kTensor));
      wire::write_tensor_ref(out, *tensor);
    } else if (const auto* list = std::get_if<std::vector<wire::TensorRef>>(&argument)) {
      out.u8(static_cast<uint8_t>(wire::Tag::kTensorList));
      out.varint(list->size());
      for (const auto& tensor : *list) write_argument(out, tensor);
    } else {
      NullDescriber describer;
      ASSERT_TRUE(wire::write_value(out, std::get<c10::IValue>(argument), describer).ok());
    }
  }

  const std::shared_ptr<Link> link_;
  std::map<std::pair<std::string, std::string>, uint32_t> ops_;
  uint64_t last_id_ = 1000;
  uint64_t last_request_ = 0;
};

/// A CPU worker, and a session on it.
class WorkerTest : public testing::Test {
 protected:
  WorkerTest() { start({}); }

  static BackendOptions cpu(BackendOptions options) {
    options.device = "cpu";
    options.threads = 1;
    return options;
  }
  /// A worker with other options in place of the one that is there.
  void start(BackendOptions options) {
    client.reset();
    backend = Backend::create(cpu(std::move(options))).value();
    client = std::make_unique<TestSession>(*backend);
  }
  bool reaches(const std::function<bool(const BackendStatistics&)>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!condition(backend->statistics())) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return true;
  }

  std::unique_ptr<Backend> backend;
  std::unique_ptr<TestSession> client;
};

inline testing::AssertionResult same(const at::Tensor& left, const at::Tensor& right) {
  if (!left.defined() || !right.defined()) return testing::AssertionFailure() << "undefined";
  if (left.sizes() != right.sizes() || left.scalar_type() != right.scalar_type()) {
    return testing::AssertionFailure() << left.toString() << left.sizes() << " against " << right.toString()
                                       << right.sizes();
  }
  const at::Tensor a = left.contiguous(), b = right.resolve_conj().resolve_neg().contiguous();
  if (std::memcmp(a.const_data_ptr(), b.const_data_ptr(), a.nbytes()) == 0) return testing::AssertionSuccess();
  return testing::AssertionFailure() << left << "\nagainst\n" << right;
}

}  // namespace remote::worker
