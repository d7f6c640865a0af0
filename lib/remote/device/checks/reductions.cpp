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
  has_dims<1>(schema, arguments);
}

/// std(self, dim, *, correction, keepdim) and alike
void deviation(const Schema& schema, Arguments arguments) {
  is_inexact<0>(schema, arguments);
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
}

/// histc(self, bins, min, max)
void histc(const Schema&, Arguments arguments) {
  TORCH_CHECK(arguments[1].toInt() > 0, "histc: bins must be > 0, but got ", arguments[1].toInt());
  const double least = number_at(arguments, 2), most = number_at(arguments, 3);
  TORCH_CHECK(!(least > most), "torch.histc: max must be larger than min, but got min=", least, " and max=", most);
}

/// _cdist_forward(x1, x2, p, compute_mode)
void cdist(const Schema&, Arguments arguments) {
  for (const size_t place : {0, 1}) {
    const ScalarType dtype = tensor_at(arguments, place).scalar_type();
    TORCH_CHECK(at::isFloatingType(dtype), "cdist only supports floating-point dtypes, X", place + 1, " got: ", dtype,
                "; convert it with .to(...)");
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
    {"mode", has_elements_along<1>},
    {"histc", histc},
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
