#include <remote/device/argument_checks.h>

#include <ATen/ATen.h>
#include <ATen/Context.h>
#include <ATen/ExpandUtils.h>
#include <ATen/MemoryOverlap.h>
#include <ATen/WrapDimUtilsMulti.h>
#include <ATen/native/BucketizationUtils.h>
#include <ATen/native/FractionalMaxPooling.h>
#include <ATen/native/GridSamplerUtils.h>
#include <ATen/native/LinearAlgebraUtils.h>
#include <ATen/native/LossMulti.h>
#include <ATen/native/ReduceOpsUtils.h>
#include <ATen/native/im2col_shape_check.h>

#include <array>
#include <unordered_map>

#include <remote/device/shapes/common.h>

namespace remote::device {
namespace {

using at::ScalarType;
using at::Tensor;
using shapes::tensor_at;
using Arguments = c10::ArrayRef<c10::IValue>;
using Schema = c10::FunctionSchema;

double number_at(Arguments arguments, size_t place) {
  return arguments[place].toScalar().toDouble();
}

// ---- Dtypes

/// The tensors at the places have one dtype, and it is not Bool. Of an empty product no kernel is asked.
template <size_t kFirst, size_t... kOthers>
void are_factors(const Schema& schema, Arguments arguments) {
  const ScalarType dtype = tensor_at(arguments, kFirst).scalar_type();
  if (tensor_at(arguments, kFirst).numel() == 0 || ((tensor_at(arguments, kOthers).numel() == 0) || ...)) return;
  TORCH_CHECK(dtype != at::kBool, schema.name(), ": expected numbers to multiply, got ",
              schema.arguments()[kFirst].name(), " of Bool; convert it with .to(...)");
  for (const size_t other : {kOthers...}) {
    const Tensor& tensor = tensor_at(arguments, other);
    TORCH_CHECK(!tensor.defined() || tensor.scalar_type() == dtype, schema.name(), ": expected ",
                schema.arguments()[kFirst].name(), " and ", schema.arguments()[other].name(),
                " to have the same dtype, but got ", dtype, " and ", tensor.scalar_type(),
                "; convert one of them with .to(...)");
  }
}

template <ScalarType... kAllowed>
void is_one_of(const Schema& schema, Arguments arguments, size_t place, const char* expected) {
  const Tensor& tensor = tensor_at(arguments, place);
  if (!tensor.defined()) return;
  const ScalarType dtype = tensor.scalar_type();
  TORCH_CHECK(((dtype == kAllowed) || ...), schema.name(), ": expected ", expected, " for ",
              schema.arguments()[place].name(), ", but got ", dtype, "; convert it with .to(...)");
}

template <size_t kPlace>
void is_index(const Schema& schema, Arguments arguments) {
  is_one_of<at::kLong, at::kInt>(schema, arguments, kPlace, "dtype Long or Int");
}
template <size_t kPlace>
void is_long(const Schema& schema, Arguments arguments) {
  is_one_of<at::kLong>(schema, arguments, kPlace, "dtype Long");
}
template <size_t kPlace>
void is_condition(const Schema& schema, Arguments arguments) {
  is_one_of<at::kBool, at::kByte>(schema, arguments, kPlace, "a boolean tensor");
}
template <size_t kPlace>
void is_floating(const Schema& schema, Arguments arguments) {
  if (tensor_at(arguments, kPlace).numel() == 0) return;
  is_one_of<at::kFloat, at::kDouble, at::kHalf, at::kBFloat16>(schema, arguments, kPlace, "a floating-point dtype");
}
/// Floating-point or complex.
template <size_t kPlace>
void is_inexact(const Schema& schema, Arguments arguments) {
  const Tensor& tensor = tensor_at(arguments, kPlace);
  TORCH_CHECK(!c10::isIntegralType(tensor.scalar_type(), /*includeBool=*/true), schema.name(),
              ": expected a floating-point or complex dtype for ", schema.arguments()[kPlace].name(), ", but got ",
              tensor.scalar_type(), "; convert it with .to(...)");
}
template <size_t... kPlaces>
void are_bits(const Schema& schema, Arguments arguments) {
  for (const size_t place : {kPlaces...}) {
    const Tensor& tensor = tensor_at(arguments, place);
    TORCH_CHECK(!tensor.defined() || c10::isIntegralType(tensor.scalar_type(), /*includeBool=*/true), schema.name(),
                ": expected integers or Bool for ", schema.arguments()[place].name(), ", but got ",
                tensor.scalar_type(), "; convert it with .to(...)");
  }
}

/// native_layer_norm(input, normalized_shape, weight, bias, eps), native_group_norm(input, weight, bias, ...)
template <size_t kWeight>
void normalization(const Schema& schema, Arguments arguments) {
  const ScalarType dtype = tensor_at(arguments, 0).scalar_type();
  for (const size_t place : {kWeight, kWeight + 1}) {
    const Tensor& tensor = tensor_at(arguments, place);
    const bool wider = c10::isReducedFloatingType(dtype) && tensor.defined() && tensor.scalar_type() == at::kFloat;
    TORCH_CHECK(!tensor.defined() || tensor.scalar_type() == dtype || wider, schema.name(), ": expected ",
                schema.arguments()[place].name(), " to have the dtype of the input, ", dtype, ", but got ",
                tensor.scalar_type(), "; convert it with .to(...)");
  }
}

// ---- Random numbers

/// Each element of what an in-place op writes has a place of its own.
void is_writable(const Schema& schema, Arguments arguments) {
  if (schema.name().ends_with('_')) at::assert_no_internal_overlap(tensor_at(arguments, 0));
}

/// normal_(self, mean, std), and normal(mean, std) where std is a number
void normal(const Schema& schema, Arguments arguments) {
  is_writable(schema, arguments);
  const bool in_place = schema.name().ends_with('_');
  if (in_place) is_inexact<0>(schema, arguments);
  const size_t place = in_place ? 2 : 1;
  if (arguments[place].isTensor()) return;
  const double deviation = number_at(arguments, place);
  TORCH_CHECK(deviation >= 0, schema.name(), " expects std >= 0.0, but found std ", deviation);
}

void uniform(const Schema& schema, Arguments arguments) {
  is_writable(schema, arguments);
  is_inexact<0>(schema, arguments);
  const double from = number_at(arguments, 1), to = number_at(arguments, 2);
  TORCH_CHECK(from <= to, schema.name(), " expects to return a [from, to) range, but found from=", from, " > to=", to);
}

/// random_(self, from, to) or random_(self, to)
void random(const Schema& schema, Arguments arguments) {
  is_writable(schema, arguments);
  const bool has_from = schema.overload_name() == "from";
  if (!(has_from ? arguments[2].isInt() : schema.overload_name() == "to")) return;
  const int64_t from = has_from ? arguments[1].toInt() : 0, to = arguments[has_from ? 2 : 1].toInt();
  TORCH_CHECK(from < to, schema.name(), " expects 'from' to be less than 'to', but got from=", from, " >= to=", to);
}

template <size_t kPlace>
void has_positive(const Schema& schema, Arguments arguments) {
  is_writable(schema, arguments);
  is_inexact<0>(schema, arguments);
  const double value = number_at(arguments, kPlace);
  TORCH_CHECK(value > 0, schema.name(), " expects ", schema.arguments()[kPlace].name(), " > 0.0, but found ", value);
}

void geometric(const Schema& schema, Arguments arguments) {
  is_writable(schema, arguments);
  const double p = number_at(arguments, 1);
  TORCH_CHECK(p > 0 && p < 1, schema.name(), " expects p to be in (0, 1), but got p=", p);
}

/// bernoulli_(self, p, generator): p is a tensor or a number.
void bernoulli(const Schema& schema, Arguments arguments) {
  is_writable(schema, arguments);
  if (arguments[1].isTensor()) return is_floating<1>(schema, arguments);
  const double p = number_at(arguments, 1);
  TORCH_CHECK(p >= 0 && p <= 1, schema.name(), " expects p to be in [0, 1], but got p=", p);
}

/// multinomial(self, num_samples, replacement)
void multinomial(const Schema& schema, Arguments arguments) {
  constexpr int64_t kMostCategories = int64_t{1} << 24;  // Float counts no further
  is_floating<0>(schema, arguments);
  const Tensor& weights = tensor_at(arguments, 0);
  const int64_t samples = arguments[1].toInt();
  TORCH_CHECK(weights.dim() == 1 || weights.dim() == 2, "prob_dist must be 1 or 2 dim, got ", weights.sizes());
  TORCH_CHECK(weights.size(-1) <= kMostCategories, "number of categories cannot exceed 2^24, got ", weights.size(-1));
  TORCH_CHECK(samples > 0, "cannot sample n_sample <= 0 samples, got ", samples);
  TORCH_CHECK(arguments[2].toBool() || samples <= weights.size(-1),
              "cannot sample n_sample > prob_dist.size(-1) "
              "samples without replacement, got ",
              samples, " of ", weights.size(-1), "; pass replacement=true");
}

/// binomial(count, prob)
void binomial(const Schema&, Arguments arguments) {
  (void)at::infer_size(tensor_at(arguments, 0).sizes(), tensor_at(arguments, 1).sizes());
}

// ---- Indices and places

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
  const ScalarType dtype = arguments[0].toTensor().scalar_type(), source = arguments[2].toTensor().scalar_type();
  TORCH_CHECK_INDEX(dtype == source, "Index put requires the source and destination dtypes match, got ", dtype,
                    " for the destination and ", source, " for the source.");
  const auto size = indexed_size(arguments[0].toTensor(), indices);
  const Tensor& values = arguments[2].toTensor();
  TORCH_CHECK(!size || at::is_expandable_to(values.sizes(), *size), "shape mismatch: value tensor of shape ",
              values.sizes(), " cannot be broadcast to indexing result of shape ", *size,
              "; reshape the values, or expand() them to that shape");
}

/// masked_fill_(self, mask, ...) and masked_scatter_(self, mask, ...)
void masked(const Schema& schema, Arguments arguments) {
  is_one_of<at::kBool>(schema, arguments, 1, "a mask of dtype Bool");
  const Tensor &self = tensor_at(arguments, 0), &mask = tensor_at(arguments, 1);
  (void)at::expand_inplace(self, mask, schema.name().c_str());
}

/// A number that is to be written into self.
void fits(const Schema& schema, const Tensor& self, const c10::IValue& number) {
  TORCH_CHECK(!number.isComplexDouble() || self.is_complex(), schema.name(), ": the complex number ",
              number.toComplexDouble(), " can't be converted to ", self.scalar_type());
}

/// fill_(self, value), masked_fill_(self, mask, value), index_fill_(self, dim, index, value): a number or a tensor.
template <size_t kValue>
void fill(const Schema& schema, Arguments arguments) {
  const c10::IValue& value = arguments[kValue];
  if (!value.isTensor()) return fits(schema, tensor_at(arguments, 0), value);
  TORCH_CHECK(value.toTensor().dim() == 0, schema.name(),
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
  is_index<2>(schema, arguments);
  const Tensor& index = tensor_at(arguments, 2);
  TORCH_CHECK_INDEX(index.dim() <= 1, "index_select(): Index is supposed to be a vector, but got one of sizes ",
                    index.sizes());
}

/// index_fill_(self, dim, index, value)
void index_fill(const Schema& schema, Arguments arguments) {
  is_long<2>(schema, arguments);
  const Tensor& index = tensor_at(arguments, 2);
  TORCH_CHECK(index.dim() <= 1, "Index has to be a vector/scalar, but got one of sizes ", index.sizes());
  fill<3>(schema, arguments);
}

/// take(self, index)
void take(const Schema& schema, Arguments arguments) {
  is_long<1>(schema, arguments);
  TORCH_CHECK_INDEX(tensor_at(arguments, 0).numel() > 0 || tensor_at(arguments, 1).numel() == 0,
                    "take(): tried to take from an empty tensor");
}

/// Says so where the caller wants to know of such kernels.
void is_not_deterministic(const Schema& schema, Arguments) {
  constexpr size_t kNamespace = 6;  // "aten::"
  at::globalContext().alertNotDeterministic(std::string_view(schema.name()).substr(kNamespace));
}

/// put_(self, index, source, accumulate)
void put(const Schema& schema, Arguments arguments) {
  is_writable(schema, arguments);
  is_long<1>(schema, arguments);
  has_source_dtype(schema, arguments);
  if (!arguments[3].toBool()) is_not_deterministic(schema, arguments);
  const int64_t places = tensor_at(arguments, 1).numel(), values = tensor_at(arguments, 2).numel();
  TORCH_CHECK_INDEX(places == values, schema.name(),
                    ": expected source and index to have the same number of elements, "
                    "but got source.numel() = ",
                    values, ", index.numel() = ", places);
}

/// _embedding_bag(weight, indices, offsets, scale_grad_by_freq, mode, sparse, per_sample_weights, include_last_offset,
/// ...): the two become one dtype.
void embedding_bag(const Schema& schema, Arguments arguments) {
  is_one_of<at::kFloat, at::kDouble, at::kHalf, at::kBFloat16>(schema, arguments, 0, "a floating-point dtype");
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
void searchsorted(const Schema&, Arguments arguments) {
  if (!arguments[1].isTensor()) return;
  const auto side =
      arguments[4].isString() ? std::optional<std::string_view>(arguments[4].toStringView()) : std::nullopt;
  const bool out_int32 = arguments[2].toBool();
  static const auto* output = new Tensor(at::empty({0}, at::kLong));
  static const auto* output_int32 = new Tensor(at::empty({0}, at::kInt));
  at::native::searchsorted_pre_check(tensor_at(arguments, 0), tensor_at(arguments, 1),
                                     out_int32 ? *output_int32 : *output, out_int32, arguments[3].toBool(), side,
                                     tensor_at(arguments, 5));
}

/// bucketize(self, boundaries, ...)
void bucketize(const Schema&, Arguments arguments) {
  const int64_t rank = tensor_at(arguments, 1).dim();
  TORCH_CHECK(rank == 1, "boundaries tensor must be 1 dimension, but got dim(", rank, ")");
}

// ---- Images

/// col2im(self, output_size, kernel_size, dilation, padding, stride)
void col2im(const Schema&, Arguments arguments) {
  const auto pair = [&](size_t place) {
    const auto values = arguments[place].toIntVector();
    TORCH_CHECK(values.size() == 2, "col2im: expected two integers at argument ", place, ", got ", values.size());
    return std::pair(values[0], values[1]);
  };
  const auto [height, width] = pair(1);
  const auto [kernel_height, kernel_width] = pair(2);
  const auto [dilation_height, dilation_width] = pair(3);
  const auto [pad_height, pad_width] = pair(4);
  const auto [stride_height, stride_width] = pair(5);
  at::native::col2im_shape_check(tensor_at(arguments, 0), Tensor(), height, width, kernel_height, kernel_width,
                                 dilation_height, dilation_width, pad_height, pad_width, stride_height, stride_width);
}

/// grid_sampler_2d(input, grid, ...) and grid_sampler_3d
void grid_sampler(const Schema& schema, Arguments arguments) {
  at::native::check_grid_sampler_common(tensor_at(arguments, 0), tensor_at(arguments, 1));
  are_factors<0, 1>(schema, arguments);
  if (schema.name() == "aten::grid_sampler_3d") {
    at::native::check_grid_sampler_3d(tensor_at(arguments, 0), tensor_at(arguments, 1), arguments[2].toInt());
  }
}

/// fractional_max_poolNd(self, kernel_size, output_size, random_samples)
template <int64_t kSpatial>
void fractional_max_pool(const Schema&, Arguments arguments) {
  at::native::fractional_max_pool_check_shape<kSpatial>(tensor_at(arguments, 0), tensor_at(arguments, 3));
}

/// channel_shuffle(self, groups)
void channel_shuffle(const Schema& schema, Arguments arguments) {
  const Tensor& input = tensor_at(arguments, 0);
  const int64_t groups = arguments[1].toInt();
  TORCH_CHECK(groups > 0, schema.name(), ": Number of groups to divide channels in must be positive, got ", groups);
  TORCH_CHECK(input.dim() > 2, schema.name(), " expects input with > 2 dims, but got input with sizes ", input.sizes());
  TORCH_CHECK(input.size(1) % groups == 0, schema.name(), ": Number of channels must be divisible by groups, got ",
              input.size(1), " channels and ", groups, " groups");
}

/// reflection_padNd(self, padding): no more than there is to reflect.
void reflection_pad(const Schema& schema, Arguments arguments) {
  const Tensor& input = tensor_at(arguments, 0);
  const auto padding = arguments[1].toIntVector();
  for (size_t i = 0; i < padding.size() && static_cast<int64_t>(i / 2) < input.dim(); ++i) {
    const int64_t dim = input.dim() - 1 - static_cast<int64_t>(i / 2);
    TORCH_CHECK(padding[i] < input.size(dim), schema.name(),
                ": Padding size should be less than the corresponding input dimension, but got: padding ", padding[i],
                " at dimension ", dim, " of input ", input.sizes());
  }
}

// ---- Reductions and losses

/// max(self) and min(self), which have nothing to choose from when there is nothing.
void has_elements(const Schema& schema, Arguments arguments) {
  if (!schema.overload_name().empty()) return;
  TORCH_CHECK(tensor_at(arguments, 0).numel() > 0, schema.name(),
              ": expected reduction dim to be specified for input.numel() == 0; pass a dim that isn't empty");
}

/// median(self, dim, keepdim) and mode alike, out variants included
template <size_t kDim>
void has_elements_along(const Schema& schema, Arguments arguments) {
  const Tensor& input = tensor_at(arguments, 0);
  if (arguments.size() > kDim && arguments[kDim].isInt() && input.numel() == 0) {
    at::native::zero_numel_check_dims(input, c10::maybe_wrap_dim(arguments[kDim].toInt(), input.dim()),
                                      schema.name().c_str());
  }
}

/// The dims at kDims are there, each once.
template <size_t kDims>
void has_dims(const Schema&, Arguments arguments) {
  if (!arguments[kDims].isIntList()) return;
  (void)at::dim_list_to_bitset(arguments[kDims].toDimVector(), static_cast<size_t>(tensor_at(arguments, 0).dim()));
}

/// std(self, dim, *, correction, keepdim) and alike
void deviation(const Schema& schema, Arguments arguments) {
  is_inexact<0>(schema, arguments);
  has_dims<1>(schema, arguments);
}

/// renorm(self, p, dim, maxnorm)
void renorm(const Schema& schema, Arguments arguments) {
  is_writable(schema, arguments);
  (void)at::maybe_wrap_dim(arguments[2].toInt(), tensor_at(arguments, 0).dim());
}

/// kthvalue(self, k, dim, keepdim)
void kthvalue(const Schema& schema, Arguments arguments) {
  has_elements_along<2>(schema, arguments);
  const Tensor& input = tensor_at(arguments, 0);
  const int64_t k = arguments[1].toInt(), dim = at::maybe_wrap_dim(arguments[2].toInt(), input.dim());
  TORCH_CHECK(k >= 1 && k <= (input.dim() > 0 ? input.size(dim) : 1),
              "kthvalue(): selected number k out of range for dimension ", dim, ": got k=", k, " for sizes ",
              input.sizes());
}

void trace(const Schema&, Arguments arguments) {
  const int64_t rank = tensor_at(arguments, 0).dim();
  TORCH_CHECK(rank == 2, "trace: expected a matrix, but got tensor with dim ", rank);
}

/// histc(self, bins, min, max)
void histc(const Schema&, Arguments arguments) {
  TORCH_CHECK(arguments[1].toInt() > 0, "histc: bins must be > 0, but got ", arguments[1].toInt());
  const double least = number_at(arguments, 2), most = number_at(arguments, 3);
  TORCH_CHECK(!(least > most), "torch.histc: max must be larger than min, but got min=", least, " and max=", most);
}

/// huber_loss(self, target, reduction, delta)
void huber_loss(const Schema&, Arguments arguments) {
  const double delta = arguments[3].toDouble();
  TORCH_CHECK(delta > 0, "huber_loss does not support non-positive values for delta, but got ", delta);
}

/// binary_cross_entropy(self, target, weight, reduction)
void binary_cross_entropy(const Schema& schema, Arguments arguments) {
  is_floating<0>(schema, arguments);
  const ScalarType dtype = tensor_at(arguments, 0).scalar_type();
  for (const size_t place : {1, 2}) {
    const Tensor& tensor = tensor_at(arguments, place);
    TORCH_CHECK(!tensor.defined() || tensor.scalar_type() == dtype, schema.name(), ": Found dtype ",
                tensor.scalar_type(), " of ", schema.arguments()[place].name(), " but expected ", dtype,
                "; convert it with .to(...)");
  }
}

/// nll_loss2d_forward(self, target, weight, reduction, ignore_index)
void nll_loss2d(const Schema& schema, Arguments arguments) {
  is_one_of<at::kLong, at::kByte>(schema, arguments, 1, "class numbers of dtype Long or Byte");
  const Tensor &input = tensor_at(arguments, 0), &target = tensor_at(arguments, 1), &weight = tensor_at(arguments, 2);
  TORCH_CHECK(input.dim() == 4 && target.dim() == 3,
              "nll_loss2d: expected an input of 4 dimensions and targets of 3, "
              "but got input ",
              input.sizes(), " and target ", target.sizes());
  TORCH_CHECK(input.size(0) == target.size(0) && input.size(2) == target.size(1) && input.size(3) == target.size(2),
              "size mismatch (got input: ", input.sizes(), " , target: ", target.sizes());
  TORCH_CHECK(!weight.defined() || weight.numel() == input.size(1),
              "weight tensor should be defined either for all or no classes, got ", weight.numel(), " for ",
              input.size(1), " classes");
}

/// The weight of nll_loss_forward(self, target, weight, ...) and nll_loss2d_forward is of the input's dtype.
void class_weight(const Schema& schema, Arguments arguments) {
  const Tensor &input = tensor_at(arguments, 0), &weight = tensor_at(arguments, 2);
  TORCH_CHECK(!weight.defined() || weight.scalar_type() == input.scalar_type(), schema.name(),
              ": expected scalar type ", input.scalar_type(), " for weight, but found ", weight.scalar_type(),
              "; convert it with .to(...)");
  if (schema.name() == "aten::nll_loss2d_forward") nll_loss2d(schema, arguments);
}

/// multi_margin_loss(self, target, p, margin, weight, reduction)
void multi_margin_loss(const Schema& schema, Arguments arguments) {
  is_long<1>(schema, arguments);
  const Tensor &input = tensor_at(arguments, 0), &weight = tensor_at(arguments, 4);
  int64_t frames = 0, dim = 0;
  at::native::multi_margin_loss_shape_check(frames, dim, input.dim(), input, tensor_at(arguments, 1),
                                            weight.defined() ? std::optional(weight) : std::nullopt);
}

/// multilabel_margin_loss_forward(self, target, reduction)
void multilabel_margin_loss(const Schema& schema, Arguments arguments) {
  is_long<1>(schema, arguments);
  const Tensor& input = tensor_at(arguments, 0);
  int64_t frames = 0, dim = 0;
  at::native::multilabel_margin_loss_shape_check(frames, dim, input.dim(), input, tensor_at(arguments, 1));
}

/// _ctc_loss(log_probs, targets, input_lengths, target_lengths, ...)
void ctc_loss(const Schema& schema, Arguments arguments) {
  const Tensor& log_probs_TBC = tensor_at(arguments, 0);
  if (log_probs_TBC.dim() != 3) return;
  for (const size_t place : {2, 3}) {
    const int64_t count = arguments[place].isIntList() ? static_cast<int64_t>(arguments[place].toListRef().size())
                                                       : tensor_at(arguments, place).numel();
    TORCH_CHECK(count == log_probs_TBC.size(1), schema.arguments()[place].name(), " must be of size batch_size, ",
                log_probs_TBC.size(1), ", got ", count);
  }
}

// ---- Linear algebra

/// dot(self, tensor) and vdot
void dot(const Schema& schema, Arguments arguments) {
  const Tensor &a = tensor_at(arguments, 0), &b = tensor_at(arguments, 1);
  TORCH_CHECK(a.dim() == 1 && b.dim() == 1, "1D tensors expected, but got ", a.dim(), "D and ", b.dim(), "D tensors");
  TORCH_CHECK(a.numel() == b.numel(), "inconsistent tensor size, expected tensor [", a.numel(), "] and src [",
              b.numel(), "] to have the same number of elements, but got ", a.numel(), " and ", b.numel(),
              " elements respectively");
  are_factors<0, 1>(schema, arguments);
}

/// addmm(self, mat1, mat2, ...): self takes the product's size.
void addmm(const Schema&, Arguments arguments) {
  const Tensor &self = tensor_at(arguments, 0), &a = tensor_at(arguments, 1), &b = tensor_at(arguments, 2);
  if (a.dim() != 2 || b.dim() != 2) return;
  const std::array<int64_t, 2> product{a.size(0), b.size(1)};
  TORCH_CHECK(at::is_expandable_to(self.sizes(), product),
              "addmm: expected an input that expands to the product's size ", c10::IntArrayRef(product), ", but got ",
              self.sizes());
}

/// complex(real, imag) and polar(abs, angle)
void complex_parts(const Schema& schema, Arguments arguments) {
  const ScalarType first = tensor_at(arguments, 0).scalar_type(), second = tensor_at(arguments, 1).scalar_type();
  TORCH_CHECK(first == second, "Expected object of scalar type ", first, " but got scalar type ", second,
              " for second argument of ", schema.name(), "; convert one of them with .to(...)");
}

void eigh(const Schema& schema, Arguments arguments) {
  at::native::checkFloatingOrComplex(tensor_at(arguments, 0), schema.name().c_str());
}

/// linalg_solve_triangular(self, B, *, upper, left, unitriangular)
void solve_triangular(const Schema& schema, Arguments arguments) {
  const Tensor &A = tensor_at(arguments, 0), &B = tensor_at(arguments, 1);
  at::native::checkFloatingOrComplex(A, schema.name().c_str());
  at::native::squareCheckInputs(A, schema.name().c_str());
  const bool left = arguments[3].toBool();
  TORCH_CHECK(B.dim() >= 2 && A.size(-1) == B.size(left ? -2 : -1), schema.name(),
              ": Incompatible shapes of A and B for the equation ", left ? "AX = B" : "XA = B", " (", A.sizes(),
              " and ", B.sizes(), ")");
}

const std::unordered_map<std::string_view, ArgumentCheck>& checks() {
  static const auto* table = new std::unordered_map<std::string_view, ArgumentCheck>{
      {"mm", are_factors<0, 1>},
      {"bmm", are_factors<0, 1>},
      {"dot", dot},
      {"vdot", dot},
      {"addmm", addmm},
      {"complex", complex_parts},
      {"polar", complex_parts},
      {"addbmm", are_factors<0, 1, 2>},
      {"addbmm_", is_writable},
      {"floor_divide_", is_writable},
      {"logit_", is_writable},
      {"rrelu_with_noise_", is_writable},
      {"convolution", are_factors<0, 1>},
      {"native_layer_norm", normalization<2>},
      {"native_group_norm", normalization<1>},
      {"bitwise_and", are_bits<0, 1>},
      {"bitwise_or", are_bits<0, 1>},
      {"bitwise_xor", are_bits<0, 1>},
      {"bitwise_not", are_bits<0>},
      {"_adaptive_avg_pool2d", is_floating<0>},
      {"_softmax", is_floating<0>},
      {"_log_softmax", is_floating<0>},
      {"std", deviation},
      {"std_mean", deviation},
      {"var", deviation},
      {"var_mean", deviation},
      {"count_nonzero", has_dims<1>},
      {"nansum", has_dims<1>},
      {"renorm", renorm},
      {"renorm_", renorm},
      {"kthvalue", kthvalue},
      {"poisson", is_floating<0>},

      {"normal_", normal},
      {"normal", normal},
      {"log_normal_", has_positive<2>},
      {"cauchy_", has_positive<2>},
      {"exponential_", has_positive<1>},
      {"geometric_", geometric},
      {"uniform_", uniform},
      {"random_", random},
      {"bernoulli_", bernoulli},
      {"binomial", binomial},
      {"multinomial", multinomial},

      {"embedding", is_index<1>},
      {"_embedding_bag", embedding_bag},
      {"_embedding_bag_forward_only", embedding_bag},
      {"index_select", index_select},
      {"index_fill_", index_fill},
      {"fill_", fill<1>},
      {"take", take},
      {"put_", put},
      {"where", is_condition<0>},
      {"_index_put_impl_", index_put},
      {"masked_fill", masked_fill},
      {"masked_fill_", masked_fill},
      {"masked_scatter_", masked_scatter},
      {"searchsorted", searchsorted},
      {"bucketize", bucketize},

      {"col2im", col2im},
      {"fractional_max_pool2d", fractional_max_pool<2>},
      {"fractional_max_pool3d", fractional_max_pool<3>},
      {"max_unpool2d", is_not_deterministic},
      {"max_unpool3d", is_not_deterministic},
      {"channel_shuffle", channel_shuffle},
      {"native_channel_shuffle", channel_shuffle},
      {"grid_sampler_2d", grid_sampler},
      {"grid_sampler_3d", grid_sampler},
      {"reflection_pad1d", reflection_pad},
      {"reflection_pad2d", reflection_pad},
      {"reflection_pad3d", reflection_pad},

      {"max", has_elements},
      {"min", has_elements},
      {"median", has_elements_along<1>},
      {"nanmedian", has_elements_along<1>},
      {"mode", has_elements_along<1>},
      {"trace", trace},
      {"histc", histc},
      {"huber_loss", huber_loss},
      {"binary_cross_entropy", binary_cross_entropy},
      {"nll_loss_forward", class_weight},
      {"nll_loss2d_forward", class_weight},
      {"multi_margin_loss", multi_margin_loss},
      {"multilabel_margin_loss_forward", multilabel_margin_loss},
      {"_ctc_loss", ctc_loss},

      {"_linalg_eigh", eigh},
      {"linalg_solve_triangular", solve_triangular},
  };
  return *table;
}

}  // namespace

ArgumentCheck find_argument_check(std::string_view op) {
  constexpr std::string_view kNamespace = "aten::";
  if (!op.starts_with(kNamespace)) return nullptr;
  const auto found = checks().find(op.substr(kNamespace.size()));
  return found == checks().end() ? nullptr : found->second;
}

}  // namespace remote::device
