#pragma once
#include <ATen/core/Tensor.h>
#include <c10/core/MemoryFormat.h>

#include <initializer_list>
#include <utility>

#include <remote/device/shapes/shape_rule.h>

/// The vocabulary in which the rules are written: reading arguments, laying out outputs the way LibTorch's kernels do,
/// and the rule shapes that many ops share.
namespace remote::device::shapes {

using at::IntArrayRef;
using at::ScalarType;
using at::Tensor;
using wire::Dims;

// ---- Arguments

/// The tensor at a place, undefined for None. Also for optional tensors.
const Tensor& tensor_at(c10::ArrayRef<c10::IValue> arguments, size_t index);
inline const Tensor& tensor_at(const ShapeQuery& query, size_t index) {
  return tensor_at(query.arguments, index);
}
/// The tensors of a list, optional ones included.
c10::SmallVector<Tensor, 8> tensors_at(const ShapeQuery& query, size_t index);
/// The integers of a list; a single integer counts as a list of one, None as empty.
Dims ints_at(const ShapeQuery& query, size_t index);
/// An integer list in the form that convolution and pooling accept: one value for all `count` dimensions, or one each.
Dims ints_at(const ShapeQuery& query, size_t index, size_t count);
/// A dtype argument; `otherwise` for None.
ScalarType dtype_at(const ShapeQuery& query, size_t index, ScalarType otherwise);

inline bool is_none(const ShapeQuery& query, size_t index) {
  return query.arguments[index].isNone();
}
inline int64_t int_at(const ShapeQuery& query, size_t index) {
  return query.arguments[index].toInt();
}
inline bool bool_at(const ShapeQuery& query, size_t index) {
  return query.arguments[index].toBool();
}
inline bool on_cpu(const ShapeQuery& query) {
  return query.worker.device == c10::DeviceType::CPU;
}

// ---- Dtypes

/// What LibTorch's type promotion makes of these tensors, wrapped numbers and 0-dim tensors considered.
ScalarType promoted(std::initializer_list<const Tensor*> tensors);
/// The default dtype for integers and Bool, else the same: what ops such as sqrt return.
ScalarType floating(ScalarType dtype);
/// The dtype of the absolute value: Float for ComplexFloat.
inline ScalarType real(ScalarType dtype) {
  return c10::toRealValueType(dtype);
}
/// The dtype that sums of `dtype` have: Long for integers and Bool.
inline ScalarType summed(ScalarType dtype) {
  return c10::isIntegralType(dtype, true) ? ScalarType::Long : dtype;
}

// ---- Layouts

/// The value that sizes have when `dim` is replaced.
Dims with_size(IntArrayRef sizes, int64_t dim, int64_t size);

OutputSpec undefined();
OutputSpec opaque(ScalarType dtype);
OutputSpec strided(IntArrayRef sizes, IntArrayRef strides, ScalarType dtype);
/// at::empty(sizes).
OutputSpec contiguous(IntArrayRef sizes, ScalarType dtype);
/// at::empty(sizes, format): Contiguous, ChannelsLast or ChannelsLast3d.
OutputSpec formatted(IntArrayRef sizes, ScalarType dtype, at::MemoryFormat format);
/// Batches of matrices stored column by column, as LAPACK wants them.
OutputSpec column_major(IntArrayRef sizes, ScalarType dtype);
/// at::empty_like(like): dense tensors keep their strides, others their order of dimensions.
OutputSpec dense_like(const Tensor& like, ScalarType dtype);
inline OutputSpec dense_like(const Tensor& like) {
  return dense_like(like, like.scalar_type());
}
/// at::empty_like(like, like.suggest_memory_format()).
OutputSpec suggested_like(const Tensor& like);

/// Tensor::to(dtype).
OutputSpec converted(const Tensor& tensor, ScalarType dtype);

/// An operand of an elementwise kernel. Borrows the sizes and strides of what it is made from.
struct Operand {
  IntArrayRef sizes;
  IntArrayRef strides;
  bool is_contiguous = true;
  bool is_channels_last = false;
  bool is_dense = true;  ///< without overlaps and gaps, in any order of dimensions

  Operand() = default;
  Operand(const Tensor& tensor)
      : sizes(tensor.sizes()),
        strides(tensor.strides()),
        is_contiguous(tensor.is_contiguous()),
        is_channels_last(tensor.is_contiguous(at::MemoryFormat::ChannelsLast)),
        is_dense(tensor.is_non_overlapping_and_dense()) {}
  Operand(const OutputSpec& spec);
};
/// A number, where a kernel takes it as a 0-dim operand.
inline const Operand kNumber;

/// What at::TensorIterator allocates for an output it computes from these operands: their broadcast shape, in the order
/// of dimensions of the first operand that has an opinion.
OutputSpec elementwise(std::initializer_list<Operand> operands, ScalarType dtype);
OutputSpec elementwise(c10::ArrayRef<Operand> operands, ScalarType dtype);

/// The sizes that a reduction over `dims` leaves; no dims means all of them.
Dims reduced_sizes(IntArrayRef sizes, IntArrayRef dims, bool keepdim);

// ---- Rule shapes; the numbers are places of arguments

inline bool returns(OutputSpecs& out, std::initializer_list<OutputSpec> specs) {
  out.append(specs.begin(), specs.end());
  return true;
}

/// Nothing is returned: the op writes into its arguments.
inline bool returns_nothing(const ShapeQuery&, OutputSpecs&) {
  return true;
}

/// Each output is empty_like of the argument named for it.
template <size_t... kLike>
bool returns_like(const ShapeQuery& query, OutputSpecs& out) {
  return returns(out, {dense_like(tensor_at(query, kLike))...});
}

/// Each output is dense row-major, with the sizes and dtype of the argument named for it.
template <size_t... kLike>
bool returns_contiguous_like(const ShapeQuery& query, OutputSpecs& out) {
  return returns(out, {contiguous(tensor_at(query, kLike).sizes(), tensor_at(query, kLike).scalar_type())...});
}

/// Each output is dense_like(argument, argument.suggest_memory_format()).
template <size_t... kLike>
bool returns_suggested_like(const ShapeQuery& query, OutputSpecs& out) {
  return returns(out, {suggested_like(tensor_at(query, kLike))...});
}

/// An elementwise kernel over the operands, in the order in which it takes them; promoted dtype.
template <size_t... kOperand>
bool returns_elementwise(const ShapeQuery& query, OutputSpecs& out) {
  return returns(out, {elementwise({tensor_at(query, kOperand)...}, promoted({&tensor_at(query, kOperand)...}))});
}

/// The same, with a dtype that the promoted one is mapped to.
template <ScalarType (*kDtype)(ScalarType), size_t... kOperand>
bool returns_elementwise_as(const ShapeQuery& query, OutputSpecs& out) {
  return returns(out,
                 {elementwise({tensor_at(query, kOperand)...}, kDtype(promoted({&tensor_at(query, kOperand)...})))});
}

inline ScalarType boolean(ScalarType) {
  return ScalarType::Bool;
}

/// A 0-dim tensor of the dtype of argument kLike, mapped.
template <size_t kLike, ScalarType (*kDtype)(ScalarType)>
bool returns_scalar_as(const ShapeQuery& query, OutputSpecs& out) {
  return returns(out, {contiguous({}, kDtype(tensor_at(query, kLike).scalar_type()))});
}
template <size_t kLike>
bool returns_scalar(const ShapeQuery& query, OutputSpecs& out) {
  return returns(out, {contiguous({}, tensor_at(query, kLike).scalar_type())});
}

}  // namespace remote::device::shapes
