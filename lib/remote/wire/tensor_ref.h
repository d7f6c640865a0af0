#pragma once
#include <c10/core/ScalarType.h>
#include <c10/util/ArrayRef.h>
#include <c10/util/SmallVector.h>

#include <cstdint>
#include <optional>

#include <remote/wire/bytes.h>

namespace remote::wire {

using Dims = c10::SmallVector<int64_t, 5>;

/// A strided view of a worker's storage: all that either side says about a tensor. Holds no reference to anything.
struct TensorRef {
  uint64_t storage = 0;  ///< never 0 on the wire
  c10::ScalarType dtype = c10::ScalarType::Float;
  bool conj = false;
  bool neg = false;
  /// The stream has not mentioned this storage before: the worker makes it, `fresh_bytes` long.
  bool fresh = false;
  uint64_t fresh_bytes = 0;
  int64_t offset = 0;  ///< elements from the start of the storage
  Dims sizes;
  Dims strides;  ///< elements; same length as sizes
};

/// An output that the client declares before the op runs.
struct OutputDeclaration {
  enum class Kind : uint8_t {
    kUndefined = 0,  ///< the op returns no tensor here, or the client does not want it
    kTensor = 1,     ///< storage, dtype, sizes and strides; offset 0, storage exactly as long as the view
    kOpaque = 2,     ///< only the worker knows the size; the client can pass it on, and cannot read it
  };
  Kind kind = Kind::kUndefined;
  uint64_t storage = 0;
  c10::ScalarType dtype = c10::ScalarType::Float;
  Dims sizes;
  Dims strides;
};

/// What an op returned, in reply to a run whose outputs the client could not declare.
struct OutputMeta {
  bool defined = false;
  uint64_t storage = 0;
  uint64_t storage_bytes = 0;
  c10::ScalarType dtype = c10::ScalarType::Float;
  Dims sizes;
  Dims strides;
};

/// Whether a tensor of this dtype may cross the wire: not one that is undefined or quantized.
bool is_dense_dtype(c10::ScalarType dtype);

/// How many elements a view has; nullopt above kMaxViewElements or with a negative size.
std::optional<uint64_t> view_elements(c10::ArrayRef<int64_t> sizes);

void write_tensor_ref(ByteWriter& out, const TensorRef& ref);
/// Checks ranks, dtype and signs; extents against the storage are the storage table's business.
TensorRef read_tensor_ref(ByteReader& in);

void write_output_declaration(ByteWriter& out, const OutputDeclaration& output);
OutputDeclaration read_output_declaration(ByteReader& in);

/// Whether the strides are those of a dense row-major tensor of these sizes.
bool is_contiguous(c10::ArrayRef<int64_t> sizes, c10::ArrayRef<int64_t> strides);
/// Bytes from the start of a storage to the end of the last element that a view reaches; false where that overflows, a
/// size is negative, or a stride or the offset is.
bool view_extent_bytes(c10::ArrayRef<int64_t> sizes, c10::ArrayRef<int64_t> strides, int64_t offset, uint64_t itemsize,
                       uint64_t* bytes);

}  // namespace remote::wire
