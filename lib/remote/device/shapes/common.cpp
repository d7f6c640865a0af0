#include <remote/device/shapes/common.h>

#include <ATen/EmptyTensor.h>
#include <ATen/ExpandUtils.h>
#include <ATen/WrapDimUtils.h>
#include <ATen/WrapDimUtilsMulti.h>
#include <ATen/native/TypeProperties.h>
#include <c10/core/Contiguity.h>
#include <c10/core/DefaultDtype.h>
#include <c10/util/strides.h>

#include <algorithm>
#include <bitset>

#include <remote/wire/limits.h>

namespace remote::device::shapes {

const Tensor& tensor_at(c10::ArrayRef<c10::IValue> arguments, size_t index) {
  static const Tensor* none = new Tensor();
  const c10::IValue& value = arguments[index];
  return value.isTensor() ? value.toTensor() : *none;
}

c10::SmallVector<Tensor, 8> tensors_at(const ShapeQuery& query, size_t index) {
  c10::SmallVector<Tensor, 8> tensors;
  for (const c10::IValue& element : query.arguments[index].toListRef()) {
    tensors.push_back(element.isTensor() ? element.toTensor() : Tensor());
  }
  return tensors;
}

Dims ints_at(const ShapeQuery& query, size_t index) {
  const c10::IValue& value = query.arguments[index];
  if (value.isNone()) return {};
  if (value.isInt()) return {value.toInt()};
  const at::DimVector ints = value.toDimVector();
  return Dims(ints.begin(), ints.end());
}

Dims ints_at(const ShapeQuery& query, size_t index, size_t count) {
  Dims ints = ints_at(query, index);
  if (ints.size() == 1) ints.resize(count, ints[0]);
  TORCH_CHECK(ints.size() == count, "argument ", index, ": expected one integer or ", count, ", got ", ints.size());
  return ints;
}

ScalarType dtype_at(const ShapeQuery& query, size_t index, ScalarType otherwise) {
  return is_none(query, index) ? otherwise : query.arguments[index].toScalarType();
}

ScalarType promoted(std::initializer_list<const Tensor*> tensors) {
  const ScalarType first = (*tensors.begin())->scalar_type();
  if (std::all_of(tensors.begin(), tensors.end(), [&](const Tensor* t) { return t->scalar_type() == first; }))
    return first;
  at::native::ResultTypeState state = {};
  for (const Tensor* tensor : tensors) state = at::native::update_result_type_state(*tensor, state);
  return at::native::result_type(state);
}

ScalarType floating(ScalarType dtype) {
  return c10::isIntegralType(dtype, /*includeBool=*/true) ? c10::get_default_dtype_as_scalartype() : dtype;
}

Dims with_size(IntArrayRef sizes, int64_t dim, int64_t size) {
  Dims result(sizes.begin(), sizes.end());
  if (!result.empty()) result[at::maybe_wrap_dim(dim, static_cast<int64_t>(result.size()))] = size;
  return result;
}

OutputSpec undefined() {
  return {};
}

OutputSpec opaque(ScalarType dtype) {
  return {OutputSpec::Kind::kOpaque, dtype, {}, {}};
}

OutputSpec strided(IntArrayRef sizes, IntArrayRef strides, ScalarType dtype) {
  return {OutputSpec::Kind::kTensor, dtype, Dims(sizes.begin(), sizes.end()), Dims(strides.begin(), strides.end())};
}

OutputSpec contiguous(IntArrayRef sizes, ScalarType dtype) {
  at::detail::check_size_nonnegative(sizes);
  return strided(sizes, c10::contiguous_strides(sizes), dtype);
}

OutputSpec formatted(IntArrayRef sizes, ScalarType dtype, at::MemoryFormat format) {
  at::detail::check_size_nonnegative(sizes);
  if (format == at::MemoryFormat::ChannelsLast && sizes.size() == 4) {
    return strided(sizes, c10::get_channels_last_strides_2d(sizes), dtype);
  }
  if (format == at::MemoryFormat::ChannelsLast3d && sizes.size() == 5) {
    return strided(sizes, c10::get_channels_last_strides_3d(sizes), dtype);
  }
  return contiguous(sizes, dtype);
}

OutputSpec column_major(IntArrayRef sizes, ScalarType dtype) {
  OutputSpec spec = contiguous(sizes, dtype);
  const size_t rank = sizes.size();
  if (rank < 2) return spec;
  spec.strides[rank - 2] = 1;
  spec.strides[rank - 1] = std::max<int64_t>(sizes[rank - 2], 1);
  return spec;
}

OutputSpec dense_like(const Tensor& like, ScalarType dtype) {
  if (like.is_non_overlapping_and_dense()) return strided(like.sizes(), like.strides(), dtype);
  return strided(like.sizes(), at::infer_dense_strides(like.sizes(), like.strides()), dtype);
}

OutputSpec suggested_like(const Tensor& like) {
  return formatted(like.sizes(), like.scalar_type(), like.suggest_memory_format());
}

OutputSpec converted(const Tensor& tensor, ScalarType dtype) {
  if (tensor.scalar_type() == dtype) return strided(tensor.sizes(), tensor.strides(), dtype);
  if (tensor.is_non_overlapping_and_dense()) return dense_like(tensor, dtype);
  return formatted(tensor.sizes(), dtype, tensor.suggest_memory_format());
}

namespace {

/// Whether the elements fill their memory exactly, in some order of dimensions.
bool fills_memory(IntArrayRef sizes, IntArrayRef strides) {
  if (sizes.size() > wire::kMaxRank) return false;
  std::bitset<wire::kMaxRank> found;
  int64_t expected = 1;
  for (size_t i = 0; i < sizes.size();) {
    if (found[i] || sizes[i] == 1 || strides[i] != expected) {
      ++i;
      continue;
    }
    found.set(i);
    expected *= sizes[i];
    i = 0;
  }
  return expected == c10::multiply_integers(sizes);
}

}  // namespace

Operand::Operand(const OutputSpec& spec)
    : sizes(spec.sizes),
      strides(spec.strides),
      is_contiguous(c10::_compute_contiguous<int64_t>(sizes, strides, c10::multiply_integers(sizes))),
      is_channels_last(c10::_compute_channels_last_contiguous_2d<int64_t>(sizes, strides)),
      is_dense(is_contiguous || fills_memory(sizes, strides)) {}

namespace {

/// The short cuts of TensorIteratorBase::fast_set_up, for operands of one shape.
bool lay_out_alike(c10::ArrayRef<Operand> operands, OutputSpec& out) {
  const IntArrayRef sizes = out.sizes;
  bool is_contiguous = true, is_channels_last = true, is_dense = true;
  for (const Operand& operand : operands) {
    is_contiguous &= operand.is_contiguous;
    is_channels_last &= operand.is_channels_last;
    is_dense &= operand.is_dense;
  }
  if (is_contiguous) return out = contiguous(sizes, out.dtype), true;
  if (is_channels_last) return out = formatted(sizes, out.dtype, at::MemoryFormat::ChannelsLast), true;
  if (!is_dense) return false;
  for (const Operand& operand : operands) {
    if (!operand.strides.equals(operands[0].strides)) return false;
  }
  return out = strided(sizes, operands[0].strides, out.dtype), true;
}

/// Whether the iteration should visit dimension `a` outside of `b` (positive), inside (negative), or doesn't care.
int compare_dims(c10::ArrayRef<Operand> operands, IntArrayRef sizes, size_t a, size_t b) {
  const auto stride_of = [&](const Operand& operand, size_t dim) -> int64_t {
    const size_t missing = sizes.size() - operand.sizes.size();
    if (dim < missing) return 0;
    return operand.sizes[dim - missing] == 1 && sizes[dim] != 1 ? 0 : operand.strides[dim - missing];
  };
  for (const Operand& operand : operands) {
    const int64_t stride_a = stride_of(operand, a), stride_b = stride_of(operand, b);
    if (stride_a == 0 || stride_b == 0) continue;
    if (stride_a != stride_b) return stride_a < stride_b ? -1 : 1;
    if (sizes[a] > sizes[b]) return 1;
  }
  return 0;
}

/// TensorIteratorBase::reorder_dimensions and allocate_or_resize_outputs: an insertion sort that stands comparisons
/// which don't order, so the sequence of comparisons matters.
void lay_out_in_order(c10::ArrayRef<Operand> operands, OutputSpec& out) {
  const size_t rank = out.sizes.size();
  c10::SmallVector<size_t, 8> order(rank);  // innermost first
  for (size_t i = 0; i < rank; ++i) order[i] = rank - 1 - i;
  for (size_t i = 1; i < rank; ++i) {
    size_t at = i;
    for (size_t below = i; below-- > 0;) {
      const int comparison = compare_dims(operands, out.sizes, order[below], order[at]);
      if (comparison < 0) break;
      if (comparison == 0) continue;
      std::swap(order[below], order[at]);
      at = below;
    }
  }
  const bool row_major = std::is_sorted(order.rbegin(), order.rend());
  if (row_major) {
    out = contiguous(out.sizes, out.dtype);
    return;
  }
  out.strides.resize(rank);
  int64_t stride = 1;
  for (size_t dim : order) {
    out.strides[dim] = stride;
    stride *= out.sizes[dim];
  }
}

}  // namespace

OutputSpec elementwise(c10::ArrayRef<Operand> operands, ScalarType dtype) {
  OutputSpec out{OutputSpec::Kind::kTensor, dtype, Dims(operands[0].sizes.begin(), operands[0].sizes.end()), {}};
  bool same_shape = true;
  for (const Operand& operand : operands.slice(1)) {
    if (operand.sizes.equals(out.sizes)) continue;
    same_shape = false;
    const at::DimVector broadcast = at::infer_size_dimvector(out.sizes, operand.sizes);
    out.sizes.assign(broadcast.begin(), broadcast.end());
  }
  if (!same_shape || !lay_out_alike(operands, out)) lay_out_in_order(operands, out);
  return out;
}

OutputSpec elementwise(std::initializer_list<Operand> operands, ScalarType dtype) {
  return elementwise(c10::ArrayRef<Operand>(operands.begin(), operands.size()), dtype);
}

Dims reduced_sizes(IntArrayRef sizes, IntArrayRef dims, bool keepdim) {
  const auto rank = static_cast<int64_t>(sizes.size());
  if (dims.empty()) return keepdim ? Dims(sizes.size(), 1) : Dims();
  TORCH_CHECK(sizes.size() <= at::dim_bitset_size, "only tensors with up to ", at::dim_bitset_size,
              " dims are supported");
  std::bitset<at::dim_bitset_size> mask;
  for (int64_t dim : dims) mask.set(static_cast<size_t>(at::maybe_wrap_dim(dim, rank)));
  Dims result;
  for (int64_t dim = 0; dim < rank; ++dim) {
    if (!mask[static_cast<size_t>(dim)]) {
      result.push_back(sizes[dim]);
    } else if (keepdim) {
      result.push_back(1);
    }
  }
  return result;
}

}  // namespace remote::device::shapes
