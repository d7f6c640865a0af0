#include <ATen/WrapDimUtilsMulti.h>
#include <ATen/native/ReduceOpsUtils.h>

#include <remote/device/checks/common.h>
#include <remote/device/checks/tables.h>
#include <remote/device/runtime.h>

namespace remote::device::checks {
namespace {

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

/// nansum(self, dim, ...)
void nansum(const Schema& schema, Arguments arguments) {
  const Tensor& input = tensor_at(arguments, 0);
  TORCH_CHECK(!input.is_complex() || !worker_is(c10::kCPU, input), "nansum on CPU does not support complex inputs");
  const auto out = dtype_of_out(schema, arguments);
  TORCH_CHECK_NOT_IMPLEMENTED(!out || !input.is_floating_point() || c10::isFloatingType(*out), schema.name(),
                              ": not implemented for '", *out, "'; pass an out of a floating-point dtype");
  has_dims<1>(schema, arguments);
}

/// std(self, dim, *, correction, keepdim) and alike
void deviation(const Schema& schema, Arguments arguments) {
  const ScalarType dtype = tensor_at(arguments, 0).scalar_type();
  TORCH_CHECK(!c10::isIntegralType(dtype, /*includeBool=*/true), schema.name(),
              ": expected a floating-point or complex dtype for self, but got ", dtype, "; convert it with .to(...)");
  has_dims<1>(schema, arguments);
}

/// kthvalue(self, k, dim, keepdim)
void kthvalue(const Schema& schema, Arguments arguments) {
  outs_are_apart<0>(schema, arguments);
  has_elements_along<2>(schema, arguments);
  const Tensor& input = tensor_at(arguments, 0);
  const int64_t k = arguments[1].toInt(), dim = at::maybe_wrap_dim(arguments[2].toInt(), input.dim());
  TORCH_CHECK(k >= 1 && k <= (input.dim() > 0 ? input.size(dim) : 1),
              "kthvalue(): selected number k out of range for dimension ", dim, ": got k=", k, " for sizes ",
              input.sizes());
  const bool has_order = input.scalar_type() != at::kBool && !input.is_complex();
  TORCH_CHECK_NOT_IMPLEMENTED(has_order || input.dim() == 0 || input.numel() == 0, schema.name(),
                              ": not implemented for '", input.scalar_type(), "'; convert it with .to(...)");
}

/// aminmax.out(self, *, dim, keepdim, min, max)
void aminmax(const Schema& schema, Arguments arguments) {
  const ScalarType dtype = tensor_at(arguments, 0).scalar_type();
  for (size_t i = 3; i < arguments.size(); ++i) {
    const ScalarType out = tensor_at(arguments, i).scalar_type();
    TORCH_CHECK(out == dtype, "Expected out tensor to have dtype ", dtype, ", but got ", out, " instead; pass ",
                schema.arguments()[i].name(), " of the input's dtype");
  }
}

/// cumsum.out(self, dim, *, dtype, out) and cumprod.out
void cumulative(const Schema& schema, Arguments arguments) {
  const Tensor& input = tensor_at(arguments, 0);
  if (input.dim() == 0 || input.numel() == 0) return;
  TORCH_CHECK_NOT_IMPLEMENTED(dtype_of_out(schema, arguments) != at::kBool, schema.name(),
                              ": not implemented for 'Bool'; pass a dtype of numbers");
}

/// The weights of a histogram are of the dtype of its values.
void are_weights(const Tensor& weights, const Tensor& values) {
  TORCH_CHECK(weights.scalar_type() == values.scalar_type(),
              "torch.histogramdd: if weight tensor is provided, input tensor and weight tensor should have the same "
              "dtype, but got ",
              values.scalar_type(), " and ", weights.scalar_type());
}

void are_edges(const Tensor& edges, const Tensor& values) {
  TORCH_CHECK(edges.dim() == 1, "torch.histogramdd: bins tensor should have one dimension, but got ", edges.dim(),
              " dimensions in the bins tensor for dimension 0");
  TORCH_CHECK(edges.scalar_type() == values.scalar_type(),
              "torch.histogramdd: input tensor and bins tensors should have the same dtype, but got input with dtype ",
              values.scalar_type(), " and bins with dtype ", edges.scalar_type());
  TORCH_CHECK(edges.numel() > 1, "torch.histogram(): bins must be > 0, but got ", edges.numel() - 1,
              " for dimension 0");
}

/// Of a histogram that is told no range.
void finds_range(const Schema& schema, const Tensor& input) {
  TORCH_CHECK_NOT_IMPLEMENTED(input.numel() == 0 || !at::isReducedFloatingType(input.scalar_type()), schema.name(),
                              ": its range is not found for '", input.scalar_type(),
                              "'; pass a range, or convert the tensors to Float or Double with .to(...)");
}

/// bin_ct(self, bins, *, range, weight, density) and bins_tensor(self, bins, *, weight, density)
void histogram(const Schema& schema, Arguments arguments) {
  const Tensor& input = tensor_at(arguments, 0);
  const bool has_edges = arguments[1].isTensor();
  if (has_edges) {
    are_edges(tensor_at(arguments, 1), input);
  } else {
    TORCH_CHECK(arguments[1].toInt() > 0, "torch.histogram(): bins must be > 0, but got ", arguments[1].toInt(),
                " for dimension 0");
  }
  const Tensor& weights = tensor_at(arguments, has_edges ? 2 : 3);
  if (weights.defined()) {
    are_weights(weights, input);
    TORCH_CHECK(weights.numel() == input.numel(), "torch.histogram: expected as many weights as values, ",
                input.numel(), ", but got ", weights.numel());
  }
  TORCH_CHECK_NOT_IMPLEMENTED(c10::isFloatingType(input.scalar_type()), schema.name(), ": not implemented for '",
                              input.scalar_type(), "'; convert the tensors to Float or Double with .to(...)");
  if (!has_edges && arguments[2].isNone()) finds_range(schema, input);
}

/// bincount(self, weights, minlength)
void bincount(const Schema& schema, Arguments arguments) {
  const ScalarType dtype = tensor_at(arguments, 0).scalar_type();
  TORCH_CHECK_NOT_IMPLEMENTED(c10::isIntegralType(dtype, /*includeBool=*/false), schema.name(),
                              ": expected integers to count, but got ", dtype, "; convert them with .to(...)");
}

/// mode(self, dim, keepdim): of a single number no kernel is asked.
void mode(const Schema& schema, Arguments arguments) {
  const Tensor& input = tensor_at(arguments, 0);
  TORCH_CHECK_NOT_IMPLEMENTED(!input.is_complex() || input.dim() == 0 || input.numel() == 0, schema.name(),
                              ": not implemented for '", input.scalar_type(), "'");
  has_elements_along<1>(schema, arguments);
}

/// all.out(self, ..., *, out) and any.out
void truth(const Schema& schema, Arguments arguments) {
  const auto out = dtype_of_out(schema, arguments);
  TORCH_CHECK(!out || *out == at::kBool || *out == at::kByte, schema.name(),
              ": Expected out tensor to have dtype bool or uint8, but got ", *out, " instead");
}

/// _logcumsumexp(self, dim)
void logcumsumexp(const Schema&, Arguments arguments) {
  (void)at::maybe_wrap_dim(arguments[1].toInt(), tensor_at(arguments, 0).dim());
}

/// _histogramdd_bin_edges(self, bins, ...), and those that count
void histogramdd(const Schema& schema, Arguments arguments) {
  const Tensor& input = tensor_at(arguments, 0);
  TORCH_CHECK(input.dim() >= 2, "torch.histogramdd: input tensor should have at least 2 dimensions, but got ",
              input.dim());
  const auto bins = static_cast<int64_t>(arguments[1].toListRef().size());
  TORCH_CHECK(bins == input.size(-1),
              "histogramdd: The size of bins must be equal to the innermost dimension of the input, got ", bins,
              " for an input of sizes ", input.sizes());
  for (const c10::IValue& count : arguments[1].toListRef()) {
    TORCH_CHECK(!count.isInt() || count.toInt() > 0, "torch.histogram(): bins must be > 0, but got ", count);
    if (count.isTensor()) are_edges(count.toTensor(), input);
  }
  if (schema.name() == "aten::_histogramdd_bin_edges" && arguments[2].isNone()) finds_range(schema, input);
  const Tensor& weights = tensor_at(arguments, schema.name() == "aten::_histogramdd_from_bin_tensors" ? 2 : 3);
  if (!weights.defined()) return;
  are_weights(weights, input);
  const auto points = input.sizes().slice(0, static_cast<size_t>(input.dim()) - 1);
  TORCH_CHECK(weights.sizes() == points, "torch.histogramdd: if weight tensor is provided it should have the sizes ",
              points, ", but got ", weights.sizes());
}

/// histc(self, bins, min, max)
void histc(const Schema&, Arguments arguments) {
  TORCH_CHECK(arguments[1].toInt() > 0, "histc: bins must be > 0, but got ", arguments[1].toInt());
  const double least = number_at(arguments, 2), most = number_at(arguments, 3);
  TORCH_CHECK(!(least > most), "torch.histc: max must be larger than min, but got min=", least, " and max=", most);
}

/// _cdist_forward(x1, x2, p, compute_mode)
void cdist(const Schema& schema, Arguments arguments) {
  for (const size_t place : {0, 1}) {
    const ScalarType dtype = tensor_at(arguments, place).scalar_type();
    TORCH_CHECK(at::isFloatingType(dtype), "cdist only supports floating-point dtypes, X", place + 1, " got: ", dtype,
                "; convert it with .to(...)");
  }
  const Tensor &first = tensor_at(arguments, 0), &second = tensor_at(arguments, 1);
  const double p = arguments[2].toDouble();
  TORCH_CHECK(p >= 0, "cdist only supports non-negative p values, got ", p);
  // Large ones, or all where asked for, are computed by a product, which takes two dtypes.
  constexpr int64_t kLarge = 25;
  const int64_t mode = arguments[3].isNone() ? 0 : arguments[3].toInt();
  const bool is_large = first.size(-2) > kLarge || second.size(-2) > kLarge;
  const bool by_product = p == 2 && (mode == 1 || (mode == 0 && is_large));
  if (!by_product && first.numel() > 0 && second.numel() > 0) are_of_one_dtype<0, 1>(schema, arguments);
}

/// _pdist_forward(self, p)
void pdist(const Schema& schema, Arguments arguments) {
  const Tensor& input = tensor_at(arguments, 0);
  if (input.dim() == 2 && input.size(0) > 1 && input.size(1) > 0) {
    TORCH_CHECK_NOT_IMPLEMENTED(!c10::isReducedFloatingType(input.scalar_type()) || !worker_is(c10::kCPU, input),
                                schema.name(), ": not implemented for '", input.scalar_type(),
                                "' on a CPU worker; convert it with .to(...)");
  }
}

constexpr NamedCheck kReductionsChecks[] = {
    {"_cdist_forward", cdist},
    {"std", deviation},
    {"std_mean", deviation},
    {"var", deviation},
    {"var_mean", deviation},
    {"count_nonzero", has_dims<1>},
    {"nansum", nansum},
    {"kthvalue", kthvalue},
    {"max", has_elements},
    {"min", has_elements},
    {"median", has_elements_along<1>},
    {"nanmedian", has_elements_along<1>},
    {"mode", mode},
    {"all", truth},
    {"any", truth},
    {"cumsum", cumulative},
    {"cumprod", cumulative},
    {"histc", histc},
    {"histogram", histogram},
    {"bincount", bincount},
    {"_pdist_forward", pdist},
    {"_histogramdd_bin_edges", histogramdd},
    {"_histogramdd_from_bin_cts", histogramdd},
    {"_histogramdd_from_bin_tensors", histogramdd},
    {"aminmax", aminmax},
    {"_logcumsumexp", logcumsumexp},
};

}  // namespace

CheckTable reductions_checks() {
  return kReductionsChecks;
}

}  // namespace remote::device::checks
