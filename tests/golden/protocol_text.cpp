#include "protocol_text.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

#include <cstdio>
#include <cstring>

#include <proto/chunk.h>
#include <proto/messages.h>
#include <remote/wire/record.h>
#include <remote/wire/value.h>

#include "remote/v1/worker.pb.h"

namespace remote::golden {
namespace {

constexpr uint64_t kA = 0x1000000000000001, kB = 0x1000000000000002, kC = 0x1000000000000003;
constexpr size_t kBytesPerLine = 16;

std::string block(const std::string& title, std::string_view bytes) {
  std::string text = title + "\n";
  for (size_t at = 0; at < bytes.size(); ++at) {
    char digits[8];
    std::snprintf(digits, sizeof digits, "%s%02x", at % kBytesPerLine == 0 ? "    " : " ",
                  static_cast<unsigned char>(bytes[at]));
    text += digits;
    if (at % kBytesPerLine == kBytesPerLine - 1 && at + 1 != bytes.size()) text += '\n';
  }
  if (bytes.empty()) text += "    (no bytes)";
  return text + "\n\n";
}

wire::TensorRef vector_of(uint64_t storage, int64_t size) {
  wire::TensorRef ref;
  ref.storage = storage;
  ref.sizes = {size};
  ref.strides = {1};
  return ref;
}

/// A transposed view of a complex storage that the stream has not mentioned before: every optional part is there.
wire::TensorRef view_with_everything() {
  wire::TensorRef ref;
  ref.storage = kB;
  ref.dtype = c10::ScalarType::ComplexFloat;
  ref.conj = ref.neg = ref.fresh = true;
  ref.fresh_bytes = 1024;
  ref.offset = 300;
  ref.sizes = {2, 3};
  ref.strides = {1, 2};
  return ref;
}

std::string floats(std::initializer_list<float> values) {
  return {reinterpret_cast<const char*>(values.begin()), values.size() * sizeof(float)};
}

/// Every tensor with dimensions is one that lives on the worker.
class Describer final : public wire::ArgumentDescriber {
 public:
  bool describe(const at::Tensor& tensor, wire::TensorRef& ref) override {
    if (tensor.dim() == 2) ref = view_with_everything();
    if (tensor.dim() == 1) ref = vector_of(kA, tensor.size(0));
    return tensor.dim() != 0;
  }
  StatusOr<uint64_t> describe(const at::Generator&) override { return uint64_t{7}; }
};

std::string value_block(const std::string& title, const c10::IValue& value) {
  wire::ByteWriter out;
  Describer describer;
  const Status status = write_value(out, value, describer);
  TORCH_INTERNAL_ASSERT(status.ok(), status.message());
  return block("value: " + title, out.take());
}

template <class Write>
std::string record_block(const std::string& title, Write write) {
  wire::RecordWriter out;
  write(out);
  return block("record: " + title, out.take(1).bytes);
}

std::string values() {
  const at::Tensor vector = at::zeros({2}), matrix = at::zeros({2, 3});
  c10::impl::GenericList scalars(c10::NumberType::get());
  scalars.push_back(int64_t{1});
  scalars.push_back(0.5);
  return value_block("none", {}) + value_block("tensor, dense", vector) +
         value_block("tensor, a fresh view with an offset, strides, conj and neg", matrix) +
         value_block("undefined tensor", at::Tensor()) +
         value_block("scalar tensor, float32 2.5", at::scalar_tensor(2.5f)) + value_block("int, -3", int64_t{-3}) +
         value_block("double, 0.5", 0.5) + value_block("bool, true", true) +
         value_block("complex, 1-2j", c10::complex<double>(1, -2)) + value_block("string", std::string("mean")) +
         value_block("device, the worker's own", c10::Device(c10::kPrivateUse1, 0)) +
         value_block("device, the worker's CPU", c10::Device(c10::kCPU)) +
         value_block("generator 7", at::detail::createCPUGenerator()) +
         value_block("int list, 2 and -1", c10::List<int64_t>({2, -1})) +
         value_block("double list, 0.5", c10::List<double>({0.5})) +
         value_block("bool list, true and false", c10::List<bool>({true, false})) +
         value_block("tensor list", c10::List<at::Tensor>({vector})) +
         value_block("optional tensor list, none and a tensor",
                     c10::List<std::optional<at::Tensor>>({std::nullopt, vector})) +
         value_block("scalar list, 1 and 0.5", scalars) +
         value_block("unsigned, 2^64 - 1", c10::Scalar(std::numeric_limits<uint64_t>::max()));
}

void run_add(wire::RecordWriter& out) {
  Describer describer;
  out.begin_run(/*op=*/1, /*scope=*/2);
  const c10::IValue a = at::zeros({2}), alpha = int64_t{1};
  for (const c10::IValue& argument : {a, a, alpha}) {
    const Status status = write_value(out.out(), argument, describer);
    TORCH_INTERNAL_ASSERT(status.ok(), status.message());
  }
}

void define_add(wire::RecordWriter& out) {
  out.define_op(1, "aten::add", "Tensor", "aten::add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor");
}

wire::OutputDeclaration declared(uint64_t storage) {
  wire::OutputDeclaration output;
  output.kind = wire::OutputDeclaration::Kind::kTensor;
  output.storage = storage;
  output.sizes = {2};
  output.strides = {1};
  return output;
}

std::string runs() {
  wire::OutputDeclaration none, opaque, transposed = declared(kC);
  opaque.kind = wire::OutputDeclaration::Kind::kOpaque;
  opaque.storage = kB;
  transposed.sizes = {2, 3};
  transposed.strides = {1, 2};
  return record_block("run, results go into arguments", [](auto& out) { run_add(out), out.end_run(); }) +
         record_block("run, outputs declared: a dense tensor, none, opaque, a strided tensor",
                      [&](auto& out) { run_add(out), out.end_run({declared(kB), none, opaque, transposed}); }) +
         record_block("run, outputs asked for by request 9, ids from B",
                      [](auto& out) { run_add(out), out.end_run_ask(9, kB); });
}

std::string message(const std::string& title, const google::protobuf::MessageLite& message) {
  return block(title, message.SerializeAsString());
}

std::string batch_message(const std::string& title, wire::RecordWriter& records, uint64_t first) {
  v1::ClientMessage out;
  proto::write(records.take(first), *out.mutable_batch());
  return message("client -> worker, Stream: " + title, out);
}

std::string reply_message(const std::string& title, wire::Reply reply) {
  v1::ServerMessage out;
  proto::write(std::move(reply), *out.mutable_reply());
  return message("worker -> client, Stream: " + title, out);
}

std::string handshake() {
  v1::ClientMessage hello;
  proto::write(wire::Hello{1, "2.13.0", "box:4711", ""}, *hello.mutable_hello());
  wire::Welcome welcome;
  welcome.protocol_version = 1;
  welcome.torch_version = "2.13.0";
  welcome.device_name = "cpu";
  welcome.session = 0x0102030405060708;
  welcome.incarnation = 0x1112131415161718;
  welcome.peer_address = "box:7070";
  v1::ServerMessage answer;
  proto::write(welcome, "0123456789abcdef", *answer.mutable_welcome());
  return message("client -> worker, Stream: Hello", hello) + message("worker -> client, Stream: Welcome", answer);
}

std::string work() {
  wire::RecordWriter records;
  records.upload_inline(kA, 8, 0, floats({1, 2}));
  define_add(records);
  records.define_scope(2, "net.fc1");
  run_add(records);
  records.end_run({declared(kB)});
  records.fetch(1, vector_of(kB, 2));
  records.release({kA});
  wire::Reply reply;
  reply.received = reply.executed = 6;
  reply.values.resize(1);
  reply.values[0].request = 1;
  reply.values[0].bytes = floats({2, 4});
  return batch_message("Batch, records 1 to 6: upload A, define add, define scope, run add, fetch B, release A",
                       records, 1) +
         reply_message("Reply: 6 received, 6 executed, the value of request 1", reply);
}

std::string transfer() {
  wire::RecordWriter records;
  records.upload_transfer(kC, 8, 0, /*transfer=*/2, 8);
  const std::string data = floats({5, 6});
  std::string chunk;
  std::vector<grpc::Slice> slices;
  TORCH_INTERNAL_ASSERT(proto::write_chunk({2, 8, 0, data}).Dump(&slices).ok());
  for (const grpc::Slice& slice : slices) chunk.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  return batch_message("Batch, record 7: upload C, whose bytes are transfer 2", records, 7) +
         block("client -> worker, Bulk: Chunk of transfer 2", chunk);
}

std::string failure() {
  wire::RecordWriter records;
  records.resize(kA, std::nullopt, 16);
  records.fetch(3, vector_of(kA, 2));
  wire::Reply reply;
  reply.received = reply.executed = 9;
  const Status status(StatusCode::kNotFound, "no storage A");
  reply.failures.push_back({8, status});
  reply.values.resize(1);
  reply.values[0].request = 3;
  reply.values[0].status = status;
  reply.values[0].failed_sequence = 9;
  return batch_message("Batch, records 8 and 9: resize A, which was released, and fetch it", records, 8) +
         reply_message("Reply: record 8 failed, and request 3 has no value", reply);
}

std::string farewell() {
  v1::ClientMessage question;
  question.mutable_farewell();
  v1::ServerMessage answer;
  answer.mutable_farewell();
  return message("client -> worker, Stream: Farewell", question) +
         message("worker -> client, Stream: Farewell, everything is freed", answer);
}

}  // namespace

std::string records() {
  return record_block("define op 1", define_add) + runs() +
         record_block("upload, fresh, inline", [](auto& out) { out.upload_inline(kA, 8, 0, floats({1, 2})); }) +
         record_block("upload into an old storage at byte 300, as transfer 5",
                      [](auto& out) { out.upload_transfer(kA, std::nullopt, 300, 5, 1 << 20); }) +
         record_block("fetch, request 6", [](auto& out) { out.fetch(6, vector_of(kA, 2)); }) +
         record_block("release A and B", [](auto& out) { out.release({kA, kB}); }) +
         record_block("resize A to 16 bytes", [](auto& out) { out.resize(kA, std::nullopt, 16); }) +
         record_block("synchronize, request 300", [](auto& out) { out.synchronize(300); }) +
         record_block("clear errors", [](auto& out) { out.clear_errors(); }) +
         record_block("define scope 2", [](auto& out) { out.define_scope(2, "net.fc1"); }) +
         record_block("name storage A", [](auto& out) { out.name_storage(kA, "net.fc1.weight"); }) +
         record_block("create generator 7, seed 1234", [](auto& out) { out.create_generator(7, 1234); }) +
         record_block("seed generator 0 with 1234", [](auto& out) { out.seed(0, 1234); }) +
         record_block("fetch generator 7's state, request 8", [](auto& out) { out.fetch_generator_state(7, 8); }) +
         record_block("set generator 7's state", [](auto& out) { out.set_generator_state(7, "state"); }) +
         record_block("fork generator 7 as 9", [](auto& out) { out.fork_generator(7, 9); }) +
         record_block("release generator 9", [](auto& out) { out.release_generator(9); }) +
         record_block("setting 0, the default dtype, float64",
                      [](auto& out) {
                        out.setting(wire::SettingKey::kDefaultDtype, static_cast<uint64_t>(c10::ScalarType::Double));
                      }) +
         record_block("fetch statistics, request 10", [](auto& out) { out.fetch_statistics(10); }) + values();
}

std::string exchange() { return handshake() + work() + transfer() + failure() + farewell(); }

}  // namespace remote::golden
