#include <ATen/ExpandUtils.h>
#include <ATen/native/BucketizationUtils.h>
#include <ATen/native/TypeProperties.h>

#include <algorithm>
#include <optional>
#include <stdexcept>

#include <remote/device/checks/common.h>
#include <remote/device/checks/tables.h>

namespace remote::device::checks {
namespace {

/// The only index: it covers the leading dimensions.
void check_mask(const Tensor& self, const Tensor& mask) {
  for (int64_t dim = 0; dim < mask.dim(); ++dim) {
    TORCH_CHECK_INDEX(dim < self.dim() && mask.size(dim) == self.size(dim), "The shape of the mask ", mask.sizes(),
                      " at index ", dim, " does not match the shape of the indexed tensor ", self.sizes(), " at index ",
                      dim);
  }
}

at::DimVector together(c10::IntArrayRef sizes, const Tensor& index) {
  try {
    return at::infer_size_dimvector(sizes, index.sizes());
  } catch (const c10::Error&) {
    C10_THROW_ERROR(IndexError,
                    c10::str("shape mismatch: indexing tensors could not be broadcast together with shapes ", sizes,
                             ", ", index.sizes()));
  }
}

/// Undefined where there is none. TorchScript and C++ pass lists of different types.
Tensor index_at(const c10::IValue& item) {
  return item.isTensor() ? item.toTensor() : Tensor();
}

/// What self[indices] has for a size; nullopt where that depends on the values of a mask.
std::optional<at::DimVector> indexed_size(const Tensor& self, Arguments indices) {
  TORCH_CHECK_INDEX(static_cast<int64_t>(indices.size()) <= self.dim(), "too many indices for tensor of dimension ",
                    self.dim(), " (got ", indices.size(), ")");
  at::DimVector broadcast, before, after;
  bool any = false, adjacent = true, ended = false;
  for (int64_t dim = 0; dim < self.dim(); ++dim) {
    const Tensor index =
        dim < static_cast<int64_t>(indices.size()) ? index_at(indices[static_cast<size_t>(dim)]) : Tensor();
    if (!index.defined()) {
      ended |= any;
      (any ? after : before).push_back(self.size(dim));
      continue;
    }
    if (index.scalar_type() == at::kBool || index.scalar_type() == at::kByte) {
      if (indices.size() == 1) check_mask(self, index);
      return std::nullopt;
    }
    adjacent &= !ended;
    broadcast = any ? together(broadcast, index) : at::DimVector(index.sizes());
    any = true;
  }
  at::DimVector size = adjacent ? before : broadcast;
  size.append(adjacent ? broadcast : before);
  size.append(after);
  return size;
}

/// The indices are integers or masks.
void check_indices(const Schema& schema, Arguments indices) {
  for (const c10::IValue& item : indices) {
    const Tensor index = index_at(item);
    if (!index.defined()) continue;
    const ScalarType dtype = index.scalar_type();
    TORCH_CHECK_INDEX(dtype == at::kLong || dtype == at::kInt || dtype == at::kBool || dtype == at::kByte,
                      "tensors used as indices must be long, int, byte or bool tensors; ", schema.name(), " got ",
                      dtype, "; convert it with .to(...)");
  }
}

/// _index_put_impl_(self, indices, values, ...)
void index_put(const Schema& schema, Arguments arguments) {
  const Arguments indices = arguments[1].toListRef();
  check_indices(schema, indices);
  const auto size = indexed_size(arguments[0].toTensor(), indices);
  const Tensor& values = arguments[2].toTensor();
  TORCH_CHECK(!size || at::is_expandable_to(values.sizes(), *size), "shape mismatch: value tensor of shape ",
              values.sizes(), " cannot be broadcast to indexing result of shape ", *size,
              "; reshape the values, or expand() them to that shape");
  const ScalarType dtype = arguments[0].toTensor().scalar_type(), source = arguments[2].toTensor().scalar_type();
  TORCH_CHECK(dtype == source, "Index put requires the source and destination dtypes match, got ", dtype,
              " for the destination and ", source, " for the source.");
}

/// masked_fill_(self, mask, ...) and masked_scatter_(self, mask, ...)
void masked(const Schema& schema, Arguments arguments) {
  is_one_of<at::kBool>(schema, arguments, 1, "a mask of dtype Bool");
  const Tensor &self = tensor_at(arguments, 0), &mask = tensor_at(arguments, 1);
  (void)at::expand_inplace(self, mask, schema.name().c_str());
}

/// A number that is to be written into a tensor, converted as the kernels do.
void fits(const Schema& schema, const Tensor& self, const c10::Scalar& number) {
  try {
    switch (self.scalar_type()) {
#define CONVERT(type, name)  \
  case ScalarType::name:     \
    (void)number.to<type>(); \
    break;
      AT_FORALL_SCALAR_TYPES_WITH_COMPLEX(CONVERT)
#undef CONVERT
      default:
        break;
    }
  } catch (const std::runtime_error& error) {
    throw std::runtime_error(
        c10::str(schema.name(), ": ", error.what(), ": got ", number, " for a tensor of dtype ", self.scalar_type()));
  }
}

/// fill_(self, value), masked_fill_(self, mask, value), index_fill_(self, dim, index, value): a number or a tensor.
template <size_t kValue>
void fill(const Schema& schema, Arguments arguments) {
  const Tensor& self = tensor_at(arguments, 0);
  const c10::IValue& value = arguments[kValue];
  if (value.isScalar()) fits(schema, self, value.toScalar());
  TORCH_CHECK(!value.isTensor() || value.toTensor().dim() == 0, schema.name(),
              " only supports a 0-dimensional value tensor, but got one with ", value.toTensor().dim(), " dimensions");
}

/// masked_fill(self, mask, value) and masked_fill_
void masked_fill(const Schema& schema, Arguments arguments) {
  masked(schema, arguments);
  fill<2>(schema, arguments);
}

void has_source_dtype(const Schema& schema, Arguments arguments) {
  const ScalarType self = tensor_at(arguments, 0).scalar_type(), source = tensor_at(arguments, 2).scalar_type();
  TORCH_CHECK(self == source, schema.name(), ": expected self and source to have the same dtype, but got ", self,
              " and ", source, "; convert one of them with .to(...)");
}

/// masked_scatter_(self, mask, source)
void masked_scatter(const Schema& schema, Arguments arguments) {
  is_writable(schema, arguments);
  masked(schema, arguments);
  has_source_dtype(schema, arguments);
}

/// index_select(self, dim, index)
void index_select(const Schema& schema, Arguments arguments) {
  outs_are_apart<0, 2>(schema, arguments);
  is_index<2>(schema, arguments);
  const Tensor& index = tensor_at(arguments, 2);
  TORCH_CHECK_INDEX(index.dim() <= 1, "index_select(): Index is supposed to be a vector, but got one of sizes ",
                    index.sizes());
  const Tensor& self = tensor_at(arguments, 0);
  const int64_t dim = at::maybe_wrap_dim(arguments[1].toInt(), self.dim());
  TORCH_CHECK(self.dim() > 0 || index.numel() == 1, "index_select(): Index to scalar can have only 1 value, got ",
              index.numel(), " value(s)");
  const bool has_any = self.dim() == 0 || self.size(dim) > 0 || index.numel() == 0;
  TORCH_CHECK_INDEX(has_any || self.dim() > 1, "index out of range in self, which has sizes ", self.sizes());
  TORCH_CHECK(has_any, "index_select(): self indexing axis dim should be positive, got self of sizes ", self.sizes());
}

/// index_fill_(self, dim, index, value)
void index_fill(const Schema& schema, Arguments arguments) {
  const Tensor& index = tensor_at(arguments, 2);
  TORCH_CHECK_INDEX(index.scalar_type() == at::kLong, "index_fill_(): Expected dtype int64 for index, but got ",
                    index.scalar_type(), "; convert it with .to(...)");
  const Tensor& self = tensor_at(arguments, 0);
  (void)at::maybe_wrap_dim(arguments[1].toInt(), self.dim());
  TORCH_CHECK(self.is_complex() || !arguments[3].isTensor() || !arguments[3].toTensor().is_complex(),
              "index_fill_(): Converting complex Scalar to non-complex type is not supported");
  TORCH_CHECK(index.dim() <= 1, "Index has to be a vector/scalar, but got one of sizes ", index.sizes());
  fill<3>(schema, arguments);
}

/// gather(self, dim, index, *, sparse_grad): an out may be the index.
void gather(const Schema& schema, Arguments arguments) {
  outs_are_apart<0>(schema, arguments);
  if (schema.arguments().back().is_out()) {
    at::assert_no_partial_overlap(arguments.back().toTensor(), tensor_at(arguments, 2));
  }
}

/// scatter(self, dim, index, src or value, ...)
void scatter(const Schema& schema, Arguments arguments) {
  if (arguments[3].isScalar()) fits(schema, tensor_at(arguments, 0), arguments[3].toScalar());
  outs_are_apart<2, 3>(schema, arguments);
}

/// scatter_reduce(self, dim, index, src, reduce, *, include_self)
void scatter_reduce(const Schema& schema, Arguments arguments) {
  outs_are_apart<2, 3>(schema, arguments);
  const Tensor& self = tensor_at(arguments, 0);
  const std::string_view reduce = arguments[4].toStringView();
  const bool is_computed = reduce == "mean"                       ? self.scalar_type() != at::kBool
                           : reduce == "amax" || reduce == "amin" ? !self.is_complex()
                                                                  : true;
  TORCH_CHECK_NOT_IMPLEMENTED(is_computed || tensor_at(arguments, 2).numel() == 0, schema.name(), ": ", reduce,
                              " is not implemented for '", self.scalar_type(), "'; convert the tensors with .to(...)");
}

/// repeat_interleave.Tensor(repeats)
void repeat_interleave(const Schema& schema, Arguments arguments) {
  const ScalarType dtype = tensor_at(arguments, 0).scalar_type();
  TORCH_CHECK_NOT_IMPLEMENTED(dtype == at::kLong || dtype == at::kInt, schema.name(),
                              ": expected repeats of dtype Long or Int, but got ", dtype,
                              "; convert them with .to(...)");
}

/// segment_reduce(data, reduce, *, lengths, indices, offsets, axis, ...)
void segment_reduce(const Schema& schema, Arguments arguments) {
  const std::string_view reduce = arguments[1].toStringView();
  constexpr std::string_view kKinds[] = {"sum", "prod", "mean", "amax", "amin", "max", "min"};
  TORCH_CHECK(std::ranges::find(kKinds, reduce) != std::end(kKinds),
              "reduce argument must be either sum, prod, mean, amax or amin, got ", reduce);
  const size_t place = tensor_at(arguments, 4).defined() ? 4 : 2;
  const Tensor& segments = tensor_at(arguments, place);
  if (!segments.defined()) return;
  const char* name = schema.arguments()[place].name().c_str();
  TORCH_CHECK(tensor_at(arguments, 0).dim() >= segments.dim(), "segment_reduce(): expected data to have at least the ",
              segments.dim(), " dimensions of ", name, ", but got data of sizes ", tensor_at(arguments, 0).sizes());
  const int64_t axis = at::maybe_wrap_dim(arguments[5].toInt(), tensor_at(arguments, 0).dim());
  TORCH_CHECK(axis == segments.dim() - 1, "segment_reduce(): Expected axis to be the last dimension of ", name,
              " but got ", axis, " for ", name, " of sizes ", segments.sizes());
  TORCH_CHECK(segments.numel() > 0 || arguments[6].toBool(), "segment_reduce(): expected ", name,
              " to have elements, but got one of sizes ", segments.sizes());
  const ScalarType dtype = segments.scalar_type();
  TORCH_CHECK_NOT_IMPLEMENTED(dtype == at::kLong || dtype == at::kInt, schema.name(), ": expected ", name,
                              " of dtype Long or Int, but got ", dtype, "; convert them with .to(...)");
}

/// take(self, index)
void take(const Schema& schema, Arguments arguments) {
  outs_are_apart<0, 1>(schema, arguments);
  is_long<1>(schema, arguments);
  TORCH_CHECK_INDEX(tensor_at(arguments, 0).numel() > 0 || tensor_at(arguments, 1).numel() == 0,
                    "take(): tried to take from an empty tensor");
}

/// cat(tensors, dim): an out of nothing stays as it is.
void cat(const Schema& schema, Arguments arguments) {
  const auto has_elements = [](const c10::IValue& tensor) { return tensor.toTensor().numel() > 0; };
  const auto tensors = arguments[0].toListRef();
  if (std::ranges::any_of(tensors, has_elements)) outs_are_apart<0>(schema, arguments);
  const auto out = dtype_of_out(schema, arguments);
  if (!out) return;
  at::native::ResultTypeState state;
  for (const c10::IValue& tensor : tensors) state = at::native::update_result_type_state(tensor.toTensor(), state);
  const ScalarType result = at::native::result_type(state);
  TORCH_CHECK_TYPE(c10::canCast(result, *out), "torch.cat(): input types can't be cast to the desired output type ",
                   *out, ": they promote to ", result);
}

/// index_reduce(self, dim, index, source, reduce)
void index_reduce(const Schema& schema, Arguments arguments) {
  const ScalarType dtype = tensor_at(arguments, 0).scalar_type();
  TORCH_CHECK_NOT_IMPLEMENTED(dtype != at::kBool, schema.name(), ": not implemented for '", dtype,
                              "'; convert the tensors with .to(...)");
  outs_are_apart<2, 3>(schema, arguments);
}

/// put_(self, index, source, accumulate)
void put(const Schema& schema, Arguments arguments) {
  is_writable(schema, arguments);
  is_long<1>(schema, arguments);
  has_source_dtype(schema, arguments);
  if (!arguments[3].toBool()) is_not_deterministic(schema, arguments);
  const int64_t places = tensor_at(arguments, 1).numel(), values = tensor_at(arguments, 2).numel();
  TORCH_CHECK_INDEX(places == 0 || tensor_at(arguments, 0).numel() > 0,
                    "put_(): Tried to put elements into an empty tensor");
  TORCH_CHECK_INDEX(places == values, schema.name(),
                    ": expected source and index to have the same number of elements, "
                    "but got source.numel() = ",
                    values, ", index.numel() = ", places);
}

/// embedding(weight, indices, ...)
void embedding(const Schema& schema, Arguments arguments) {
  is_index<1>(schema, arguments);
  const Tensor &weight = tensor_at(arguments, 0), &indices = tensor_at(arguments, 1);
  TORCH_CHECK(weight.dim() == 0 || weight.size(0) > 0 || indices.numel() == 0,
              "index_select(): self indexing axis dim should be positive, got weight of sizes ", weight.sizes());
}

/// _embedding_bag(weight, indices, offsets, scale_grad_by_freq, mode, sparse, per_sample_weights, include_last_offset,
/// ...): the two become one dtype.
void embedding_bag(const Schema& schema, Arguments arguments) {
  has_floating_dtype<0>(schema, arguments);
  const Tensor &weight = tensor_at(arguments, 0), &factors = tensor_at(arguments, 6);
  TORCH_CHECK(!factors.defined() || arguments[4].toInt() == 0,
              "embedding_bag: per_sample_weights only supported with mode='sum'");
  TORCH_CHECK(!factors.defined() || factors.scalar_type() == weight.scalar_type(), schema.name(),
              ": expected per_sample_weights to have the dtype of the weight, ", weight.scalar_type(), ", but got ",
              factors.scalar_type(), "; convert them with .to(...)");
  TORCH_CHECK(!arguments[7].toBool() || tensor_at(arguments, 2).numel() > 0,
              "include_last_offset: number of offset should be at least 1");
  const ScalarType indices = tensor_at(arguments, 1).scalar_type(), offsets = tensor_at(arguments, 2).scalar_type();
  const ScalarType both = c10::promoteTypes(indices, offsets);
  TORCH_CHECK(both == at::kLong || both == at::kInt, schema.name(),
              ": expected indices and offsets of dtype Long or "
              "Int, but got ",
              indices, " and ", offsets, "; convert them with .to(...)");
}

/// searchsorted(sorted_sequence, self, *, out_int32, right, side, sorter); self may be a number.
void searchsorted(const Schema& schema, Arguments arguments) {
  if (!arguments[1].isTensor()) return;
  const auto side =
      arguments[4].isString() ? std::optional<std::string_view>(arguments[4].toStringView()) : std::nullopt;
  const bool out_int32 = arguments[2].toBool();
  static const auto* output = new Tensor(at::empty({0}, at::kLong));
  static const auto* output_int32 = new Tensor(at::empty({0}, at::kInt));
  const bool has_out = schema.arguments().back().is_out();
  const Tensor& out = has_out ? arguments.back().toTensor() : out_int32 ? *output_int32 : *output;
  at::native::searchsorted_pre_check(tensor_at(arguments, 0), tensor_at(arguments, 1), out, out_int32,
                                     arguments[3].toBool(), side, tensor_at(arguments, 5));
}

/// bucketize(self, boundaries, *, out_int32, ...)
void bucketize(const Schema& schema, Arguments arguments) {
  const int64_t rank = tensor_at(arguments, 1).dim();
  TORCH_CHECK(rank == 1, "boundaries tensor must be 1 dimension, but got dim(", rank, ")");
  const ScalarType result = arguments[2].toBool() ? at::kInt : at::kLong;
  const ScalarType out = dtype_of_out(schema, arguments).value_or(result);
  TORCH_CHECK(out == result, schema.name(), ": expected an out of dtype ", result, ", as out_int32 says, but got ",
              out);
}

constexpr NamedCheck kIndexingChecks[] = {
    {"embedding", embedding},
    {"_embedding_bag", embedding_bag},
    {"_embedding_bag_forward_only", embedding_bag},
    {"index_select", index_select},
    {"index_fill_", index_fill},
    {"fill_", fill<1>},
    {"take", take},
    {"cat", cat},
    {"gather", gather},
    {"scatter", scatter},
    {"scatter_add", outs_are_apart<2, 3>},
    {"scatter_reduce", scatter_reduce},
    {"segment_reduce", segment_reduce},
    {"repeat_interleave", repeat_interleave},
    {"index_add", outs_are_apart<2, 3>},
    {"index_copy", outs_are_apart<2, 3>},
    {"index_reduce", index_reduce},
    {"masked_select", outs_are_apart<0, 1>},
    {"put_", put},
    {"where", is_condition<0>},
    {"_index_put_impl_", index_put},
    {"masked_fill", masked_fill},
    {"masked_fill_", masked_fill},
    {"masked_scatter_", masked_scatter},
    {"searchsorted", searchsorted},
    {"bucketize", bucketize},
};

}  // namespace

CheckTable indexing_checks() {
  return kIndexingChecks;
}

}  // namespace remote::device::checks
