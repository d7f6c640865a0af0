#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <remote/wire/bytes.h>
#include <remote/wire/tensor_ref.h>

namespace remote::wire {

/// The verbs of the stream. A record is one of these bytes and its body; docs/protocol.md has the grammar of each.
/// Adding one: a number here, its body in docs/protocol.md, a line in proto/VERSIONS.md, a case in worker/backend.
enum class Verb : uint8_t {
  kDefineOp = 1,              ///< number, name, overload, schema: gives an op a number for this session
  kRun = 2,                   ///< op number, scope, arguments, outputs
  kUpload = 3,                ///< storage, byte range; the bytes inline or as a transfer on the bulk connection
  kFetch = 4,                 ///< request, tensor: its values in a reply, or over the bulk connection when large
  kRelease = 5,               ///< storages nobody refers to any more
  kResize = 6,                ///< storage, bytes: keeps the content that fits
  kSynchronize = 7,           ///< request: answered when all records before it have run
  kClearErrors = 8,           ///< stale storages become usable again
  kDefineScope = 9,           ///< id, dotted path: names what errors mention
  kNameStorage = 10,          ///< storage, name: the parameter that it holds
  kCreateGenerator = 11,      ///< generator, seed
  kSeed = 12,                 ///< generator, seed
  kFetchGeneratorState = 13,  ///< generator, request
  kSetGeneratorState = 14,    ///< generator, state bytes
  kForkGenerator = 15,        ///< existing generator, new generator: the new one continues with the same state
  kReleaseGenerator = 16,     ///< generator
  kSetting = 17,              ///< key, value: process-wide LibTorch state that this session wants
  kFetchStatistics = 18,      ///< request: the worker's counters for this session
  kSendToPeer = 19,  ///< request, tensor, peer, transfer: its values as an upload's bytes, straight to another worker
};

/// How a run's outputs get their ids.
enum class OutputMode : uint8_t {
  kNone = 0,      ///< results are written into arguments, as the schema says
  kDeclared = 1,  ///< a list of OutputDeclaration
  kAsk = 2,  ///< request, first id: the k-th tensor returned becomes storage first id + k, and the reply says what came
};

/// Process-wide LibTorch state that a session carries with it.
enum class SettingKey : uint8_t {
  kDefaultDtype = 0,             ///< a ScalarType
  kDeterministicAlgorithms = 1,  ///< 0 off, 1 on, 2 on but warn only
  kFloat32MatmulPrecision = 2,   ///< 0 highest, 1 high, 2 medium
  kAllowTf32Cublas = 3,
  kAllowTf32Cudnn = 4,
  kCudnnEnabled = 5,
  kCudnnBenchmark = 6,
  kCudnnDeterministic = 7,
  kFlashAttention = 8,
  kMemoryEfficientAttention = 9,
  kMathAttention = 10,
  kCudnnAttention = 11,
  kMkldnnEnabled = 12,
  kFp16ReductionCublas = 13,  ///< an at::CuBLASReductionOption
  kBf16ReductionCublas = 14,  ///< an at::CuBLASReductionOption
  kFp16AccumulationCublas = 15,
  // An at::Float32Precision each; see wire/precision.h.
  kMkldnnConvolutionPrecision = 16,
  kMkldnnRecurrencePrecision = 17,
  kMkldnnMatrixPrecision = 18,
  kCudaConvolutionPrecision = 19,
  kCudaRecurrencePrecision = 20,
  kCudaMatrixPrecision = 21,
  kCount = 22,
};

/// A session on another worker, to which a worker may send what an upload there waits for. The token is that session's
/// secret, and its client's to give away.
struct Peer {
  std::string address;  ///< where the other worker listens for workers
  uint64_t session = 0;
  std::string token;
};

/// Several records in one message, with the sequence number of the first; numbers start at 1 and leave no gap.
struct Batch {
  uint64_t first_sequence = 0;
  uint32_t record_count = 0;
  std::string bytes;
};

/// Appends records to a batch that grows. Not thread-safe; run records are written in pieces by begin_run() and
/// friends.
class RecordWriter {
 public:
  void define_op(uint32_t number, std::string_view name, std::string_view overload, std::string_view schema);
  /// Then exactly one value per argument of the schema, by write_value(out(), ...), then one of the ends.
  void begin_run(uint32_t op, uint32_t scope);
  void end_run();
  void end_run(c10::ArrayRef<OutputDeclaration> outputs);
  void end_run_ask(uint64_t request, uint64_t first_id);

  /// `fresh_bytes`: the storage's length, when the stream has not mentioned it before.
  void upload_inline(uint64_t storage, std::optional<uint64_t> fresh_bytes, uint64_t offset, std::string_view bytes);
  void upload_transfer(uint64_t storage, std::optional<uint64_t> fresh_bytes, uint64_t offset, uint64_t transfer,
                       uint64_t bytes);
  void fetch(uint64_t request, const TensorRef& tensor);
  void release(c10::ArrayRef<uint64_t> storages);
  void resize(uint64_t storage, std::optional<uint64_t> fresh_bytes, uint64_t bytes);
  void synchronize(uint64_t request);
  void clear_errors();
  void define_scope(uint32_t scope, std::string_view path);
  void name_storage(uint64_t storage, std::string_view name);
  void create_generator(uint64_t generator, uint64_t seed);
  void seed(uint64_t generator, uint64_t seed);
  void fetch_generator_state(uint64_t generator, uint64_t request);
  void set_generator_state(uint64_t generator, std::string_view state);
  void fork_generator(uint64_t from, uint64_t to);
  void release_generator(uint64_t generator);
  void setting(SettingKey key, uint64_t value);
  void fetch_statistics(uint64_t request);
  /// Transfer 0 and a tensor without elements only try whether the peer can be reached.
  void send_to_peer(uint64_t request, const TensorRef& tensor, const Peer& peer, uint64_t transfer);

  ByteWriter& out() { return out_; }
  uint32_t record_count() const { return record_count_; }
  size_t size() const { return out_.size(); }
  /// Drops a record that was begun and can't be finished; `size` and `records` are what they were before it.
  void rollback(size_t size, uint32_t records);
  /// The records so far, numbered from `first_sequence`; the writer is empty afterwards.
  Batch take(uint64_t first_sequence);

 private:
  void verb(Verb verb);
  void optional_bytes(std::optional<uint64_t> fresh_bytes);

  ByteWriter out_;
  uint32_t record_count_ = 0;
};

}  // namespace remote::wire
