#pragma once
#include <ATen/core/ivalue.h>

#include <cstdint>
#include <string>

#include <remote/base/status.h>
#include <remote/wire/bytes.h>
#include <remote/wire/tensor_ref.h>

namespace remote::wire {

/// How an IValue is tagged on the wire; docs/protocol.md has the grammar.
enum class Tag : uint8_t {
  kNone = 0,
  kTensor = 1,  ///< TensorRef
  kUndefinedTensor = 2,
  kScalarTensor = 3,  ///< a 0-dim CPU tensor by value: dtype, wrapped-number flag, 16 bytes
  kInt = 4,
  kDouble = 5,
  kBool = 6,
  kComplex = 7,
  kString = 8,
  kDevice = 9,      ///< 0: the worker's own device; 1: the worker's CPU
  kGenerator = 10,  ///< id of one of the session's generators; 0 is its default
  kIntList = 11,
  kDoubleList = 12,
  kBoolList = 13,
  kTensorList = 14,
  kOptionalTensorList = 15,
  kScalarList = 16,  ///< a list of numbers of mixed kinds
  kUnsigned = 17,    ///< a number beyond the range of kInt
};

/// How the client describes what only it knows while an op's arguments are written.
class ArgumentDescriber {
 public:
  virtual ~ArgumentDescriber() = default;
  /// Fills `ref` for a tensor that lives on the worker. False for a tensor that does not (a 0-dim CPU tensor is then
  /// sent by value, anything else is refused).
  virtual bool describe(const at::Tensor& tensor, TensorRef& ref) = 0;
  /// The id of a generator that lives on the worker; 0 for its default one.
  virtual StatusOr<uint64_t> describe(const at::Generator& generator) = 0;
  /// Where the tensors of the op must be, for error texts.
  virtual std::string place() const { return "remote"; }
};

/// How the worker turns references into objects while an op's arguments are read. A null result marks an argument that
/// can't be used (unknown, out of bounds, poisoned); reading goes on, so that the stream stays in step.
class ArgumentResolver {
 public:
  virtual ~ArgumentResolver() = default;
  /// `argument` is the position in the op's schema that the tensor belongs to.
  virtual at::Tensor resolve(const TensorRef& ref, size_t argument) = 0;
  virtual at::Generator resolve_generator(uint64_t id) = 0;
  virtual c10::Device device() const = 0;
};

/// Appends a value. INVALID_ARGUMENT for what has no wire form (a storage, a sparse tensor, a CPU tensor with
/// dimensions, ...): the caller truncates what was written.
Status write_value(ByteWriter& out, const c10::IValue& value, ArgumentDescriber& describer);

/// Reads a value; on malformed bytes the reader is no longer ok().
c10::IValue read_value(ByteReader& in, ArgumentResolver& resolver, size_t argument);

}  // namespace remote::wire
