#include "decoder_input.h"

#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/version.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>

#include <remote/wire/record.h>
#include <remote/wire/value.h>
#include <remote/wire/version.h>
#include <worker/backend/backend.h>

namespace remote::fuzz {
namespace {

constexpr uint32_t kAnyCount = UINT32_MAX;

/// A session's carrier that hands out one batch and remembers what came back.
class Carrier final : public wire::RecordSource, public worker::SessionSink {
 public:
  void put(wire::Batch batch) {
    std::lock_guard lock(mutex_);
    batch_ = std::move(batch);
  }
  std::optional<wire::Batch> take(size_t) override {
    std::lock_guard lock(mutex_);
    return std::exchange(batch_, std::nullopt);
  }
  void on_reply(wire::Reply reply) override {
    std::lock_guard lock(mutex_);
    answers_ += reply.values.size();
    executed_ = reply.executed;
    for (const auto& failure : reply.failures) {
      if (failure.sequence == 0) {
        ended_ = true;
      } else {
        ++failed_records_;
      }
    }
    changed_.notify_all();
  }
  void on_bulk(uint64_t, std::shared_ptr<const void>, const void*, uint64_t) override {}
  bool ended() {
    std::lock_guard lock(mutex_);
    return ended_;
  }
  uint64_t executed() {
    std::lock_guard lock(mutex_);
    return executed_;
  }
  Decoded decoded() {
    std::lock_guard lock(mutex_);
    return {false, answers_, failed_records_};
  }
  bool wait_for_answers(uint64_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(60), [&] { return answers_ >= count; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<wire::Batch> batch_;
  uint64_t answers_ = 0;
  uint64_t executed_ = 0;
  uint64_t failed_records_ = 0;
  bool ended_ = false;
};

/// A worker, and a session on it that must go on working.
struct Worker {
  std::unique_ptr<worker::Backend> backend;
  std::shared_ptr<Carrier> carrier = std::make_shared<Carrier>();
  std::shared_ptr<worker::Session> bystander;
  uint64_t sequence = 0;

  Worker() {
    worker::BackendOptions options;
    options.device = "cpu";
    options.threads = 1;
    // What a hostile client may make a worker allocate, as its operator would set it.
    options.max_session_bytes = 64 << 20;
    backend = worker::Backend::create(options).value();
    bystander = open(carrier);
  }
  ~Worker() { bystander->disconnect(/*keep_lease=*/false); }

  std::shared_ptr<worker::Session> open(const std::shared_ptr<Carrier>& link) {
    wire::Hello hello;
    hello.protocol_version = wire::kProtocolVersion;
    hello.torch_version = TORCH_VERSION;
    return backend->open(hello, link, link).value();
  }
  /// Asks something of the bystander and waits for the answer: whoever was woken before it has had a turn then.
  bool bystander_answers() {
    wire::RecordWriter out;
    out.synchronize(++sequence);
    carrier->put(out.take(sequence));
    bystander->wake();
    return carrier->wait_for_answers(sequence);
  }
};

struct NullEnds final : wire::ArgumentDescriber, wire::ArgumentResolver {
  bool describe(const at::Tensor&, wire::TensorRef&) override { return false; }
  StatusOr<uint64_t> describe(const at::Generator&) override { return uint64_t{0}; }
  at::Tensor resolve(const wire::TensorRef&, size_t) override { return {}; }
  at::Generator resolve_generator(uint64_t) override { return {}; }
  c10::Device device() const override { return c10::Device(c10::kCPU); }
};

wire::TensorRef ref(uint64_t storage, wire::Dims sizes, wire::Dims strides,
                    c10::ScalarType dtype = c10::ScalarType::Float) {
  wire::TensorRef ref;
  ref.storage = storage;
  ref.dtype = dtype;
  ref.sizes = std::move(sizes);
  ref.strides = std::move(strides);
  return ref;
}

wire::TensorRef fresh(wire::TensorRef ref, uint64_t bytes) {
  ref.fresh = true;
  ref.fresh_bytes = bytes;
  return ref;
}

/// Writes runs of ops, each defined where it is used first.
class Ops {
 public:
  explicit Ops(wire::RecordWriter& out) : out_(out) {}

  void begin(const char* name, const char* overload) {
    const auto op = c10::Dispatcher::singleton().findSchemaOrThrow(name, overload);
    out_.define_op(++number_, name, overload, toString(op.schema()));
    out_.begin_run(number_, 1);
  }
  Ops& tensor(const wire::TensorRef& ref) {
    out_.out().u8(static_cast<uint8_t>(wire::Tag::kTensor));
    wire::write_tensor_ref(out_.out(), ref);
    return *this;
  }
  Ops& list(const std::vector<wire::TensorRef>& refs) {
    out_.out().u8(static_cast<uint8_t>(wire::Tag::kTensorList));
    out_.out().varint(refs.size());
    for (const auto& ref : refs) tensor(ref);
    return *this;
  }
  Ops& value(const c10::IValue& value) {
    NullEnds ends;
    TORCH_INTERNAL_ASSERT(wire::write_value(out_.out(), value, ends).ok());
    return *this;
  }
  void end() { out_.end_run(); }
  void end(const std::vector<wire::TensorRef>& outputs) {
    std::vector<wire::OutputDeclaration> declarations;
    for (const auto& output : outputs) {
      declarations.push_back(
          {wire::OutputDeclaration::Kind::kTensor, output.storage, output.dtype, output.sizes, output.strides});
    }
    out_.end_run(declarations);
  }

 private:
  wire::RecordWriter& out_;
  uint32_t number_ = 0;
};

std::string records(const std::function<void(wire::RecordWriter&)>& write) {
  wire::RecordWriter out;
  write(out);
  return out.take(1).bytes;
}

void read_one_by_one(std::string_view bytes) {
  NullEnds ends;
  try {
    wire::ByteReader values(bytes);
    while (!values.done()) wire::read_value(values, ends, 0);
    wire::ByteReader tensors(bytes);
    while (!tensors.done()) wire::read_tensor_ref(tensors);
    wire::ByteReader outputs(bytes);
    while (!outputs.done()) wire::read_output_declaration(outputs);
    (void)wire::decode_session_statistics(bytes);
  } catch (const c10::Error&) {
    // LibTorch may refuse a dtype that this build of it does not have.
  }
}

}  // namespace

std::vector<std::string> decoder_corpus() {
  std::vector<std::string> corpus;
  const auto square = [](uint64_t id) { return ref(id, {2, 2}, {2, 1}); };
  const std::string data(16, '\x3f');
  const auto upload = [&](wire::RecordWriter& out) {
    for (uint64_t id : {1, 2}) out.upload_inline(id, 16, 0, data);
  };
  corpus.push_back(records([&](wire::RecordWriter& out) {
    upload(out);
    out.name_storage(1, "weight");
    out.define_scope(1, "net.fc1");
    out.fetch(1, square(1));
    out.fetch(2, ref(1, {2, 2}, {1, 2}));
    out.resize(1, std::nullopt, 40);
    out.synchronize(3);
    out.clear_errors();
    out.fetch_statistics(4);
    out.send_to_peer(5, square(1), {"127.0.0.1:1", 7, "token"}, 6);
    out.send_to_peer(6, ref(1, {0}, {1}), {"", 0, ""}, 0);
    out.release({1, 2});
  }));
  corpus.push_back(records([](wire::RecordWriter& out) {
    out.create_generator(1, 7);
    out.fork_generator(1, 2);
    out.seed(0, 3);
    out.fetch_generator_state(1, 1);
    out.set_generator_state(1, std::string(100, 'x'));
    out.setting(wire::SettingKey::kDefaultDtype, 6);
    out.setting(wire::SettingKey::kFlashAttention, 1);
    out.release_generator(1);
    out.upload_transfer(9, 100, 0, 5, 100);
  }));
  corpus.push_back(records([&](wire::RecordWriter& out) {
    upload(out);
    Ops ops(out);
    ops.begin("aten::add", "Tensor"), ops.tensor(square(1)).tensor(square(2)).value(2).end({square(3)});
    ops.begin("aten::mm", "out"), ops.tensor(square(1)).tensor(square(3)).tensor(fresh(square(4), 16)).end();
    ops.begin("aten::mul_", "Tensor"), ops.tensor(ref(1, {2}, {2})).value(at::scalar_tensor(2.5)).end();
    ops.begin("aten::cat", ""), ops.list({square(1), square(4)}).value(0).end({ref(5, {4, 2}, {2, 1})});
    ops.begin("aten::relu", ""), ops.tensor(ref(5, {2, 4}, {1, 2})).end({ref(6, {2, 4}, {1, 2})});
    out.fetch(1, ref(6, {8}, {1}));
  }));
  corpus.push_back(records([&](wire::RecordWriter& out) {
    upload(out);
    Ops ops(out);
    ops.begin("aten::uniform_", ""), ops.tensor(square(1)).value(0.0).value(1.0).value({}).end();
    ops.begin("aten::native_dropout", ""),
        ops.tensor(square(1)).value(0.5).value(true).end({square(7), ref(8, {2, 2}, {2, 1}, c10::ScalarType::Bool)});
    ops.begin("aten::nonzero", ""), ops.tensor(square(7)), out.end_run_ask(5, 100);
    ops.begin("aten::copy_", ""),
        ops.tensor(fresh(ref(9, {4}, {1}, c10::ScalarType::Double), 32)).tensor(ref(2, {4}, {1})).value(false).end();
    ops.begin("aten::_foreach_add_", "Scalar"), ops.list({square(1), square(2)}).value(1).end();
    ops.begin("aten::sum", "dim_IntList"),
        ops.tensor(square(1)).value(std::vector<int64_t>{0}).value(false).value({}).end({ref(10, {2}, {1})});
    out.release({1, 2, 7, 8, 9, 10});
  }));
  return corpus;
}

Decoded decode(std::string_view bytes) {
  static auto* worker = new Worker();
  read_one_by_one(bytes);
  const auto carrier = std::make_shared<Carrier>();
  const auto session = worker->open(carrier);
  // The count is checked when all has run: one that is too large lets every record have its turn.
  carrier->put({1, kAnyCount, std::string(bytes)});
  session->wake();
  // A session that had its turn and got no further waits for bytes that will not come.
  bool works = worker->bystander_answers();
  for (uint64_t before = UINT64_MAX; works && !carrier->ended() && carrier->executed() != before;) {
    before = carrier->executed();
    works = worker->bystander_answers();
  }
  session->disconnect(/*keep_lease=*/false);
  Decoded decoded = carrier->decoded();
  decoded.bystander_works = works;
  return decoded;
}

}  // namespace remote::fuzz
