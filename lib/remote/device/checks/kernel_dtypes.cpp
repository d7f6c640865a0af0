#include <remote/device/checks/kernel_dtypes.h>

#include <torch/version.h>

#include <unordered_map>
#include <vector>

namespace remote::device {
namespace {

using c10::ScalarType;
using wire::DtypeSet;

constexpr DtypeSet kBool = {ScalarType::Bool};
constexpr DtypeSet kIntegersButLong = {ScalarType::Byte, ScalarType::Char, ScalarType::Short, ScalarType::Int};
constexpr DtypeSet kSigned = {ScalarType::Char, ScalarType::Short, ScalarType::Int, ScalarType::Long};
constexpr DtypeSet kIntegers = kSigned | DtypeSet{ScalarType::Byte};
constexpr DtypeSet kHalves = {ScalarType::Half, ScalarType::BFloat16};
constexpr DtypeSet kComplex = {ScalarType::ComplexFloat, ScalarType::ComplexDouble};

struct Gap {
  DtypeSet dtypes;
  std::vector<std::string_view> ops;
};

/// Measured with LibTorch 2.13: what its operator database's samples, in each of twelve dtypes, make the CPU kernels
/// refuse as not implemented, and no sample gets through. In-place ops are as the others where not named.
const std::vector<Gap>& gaps() {
  // clang-format off
  static const auto* table = new std::vector<Gap>{
    {kBool | kComplex | kIntegers,
     {"_adaptive_avg_pool3d", "_batch_norm_with_update", "_log_softmax", "_native_batch_norm_legit",
     "_prelu_kernel", "_safe_softmax", "_softmax", "_softmax_backward_data", "adaptive_max_pool2d",
     "adaptive_max_pool3d", "binary_cross_entropy", "binary_cross_entropy_with_logits", "celu", "elu", "frac",
     "gelu", "glu", "grid_sampler_2d", "grid_sampler_3d", "hardshrink", "hardsigmoid", "hardswish", "histc",
     "huber_loss", "hypot", "igamma", "igammac", "leaky_relu", "log_normal_", "log_sigmoid_forward",
     "logaddexp2", "max_unpool2d", "max_unpool3d", "mish", "mse_loss", "native_batch_norm", "native_group_norm",
     "native_layer_norm", "nextafter", "nll_loss_forward", "segment_reduce", "smooth_l1_loss", "softplus",
     "softshrink", "upsample_linear1d", "upsample_trilinear3d"}},
    {kComplex,
     {"_cummax_helper", "_cummin_helper", "_unique2", "amax", "amin", "aminmax", "atan2", "clamp_max",
     "clamp_min", "copysign", "cummax", "cummin",
     "digamma", "erf", "erfc", "erfinv", "fmax", "fmin", "fractional_max_pool2d", "fractional_max_pool3d", "ge",
     "gt", "hash_tensor", "i0", "le", "lgamma", "logit", "lt", "max", "maximum", "min", "minimum", "mvlgamma",
     "polygamma", "signbit", "special_entr", "special_i0e", "special_i1", "special_i1e", "special_xlog1py",
     "unique_consecutive", "unique_dim", "xlogy"}},
    {kComplex | kHalves,
     {"special_airy_ai", "special_bessel_j0", "special_bessel_j1", "special_bessel_y0", "special_bessel_y1",
     "special_chebyshev_polynomial_t", "special_chebyshev_polynomial_u", "special_chebyshev_polynomial_v",
     "special_chebyshev_polynomial_w", "special_erfcx", "special_hermite_polynomial_h",
     "special_hermite_polynomial_he", "special_laguerre_polynomial_l", "special_legendre_polynomial_p",
     "special_log_ndtr", "special_modified_bessel_i0", "special_modified_bessel_i1",
     "special_modified_bessel_k0", "special_modified_bessel_k1", "special_ndtri",
     "special_scaled_modified_bessel_k0", "special_scaled_modified_bessel_k1",
     "special_shifted_chebyshev_polynomial_t", "special_shifted_chebyshev_polynomial_u",
     "special_shifted_chebyshev_polynomial_v", "special_shifted_chebyshev_polynomial_w",
     "special_spherical_bessel_j0", "special_zeta"}},
    {kBool,
     {"_trilinear", "abs", "addbmm", "addcmul", "addmm", "addmv", "baddbmm", "ceil", "convolution", "div_",
     "dot", "floor", "linalg_cross", "mv", "pow_", "reflection_pad1d", "reflection_pad2d", "replication_pad1d",
     "replication_pad2d", "trace", "trunc", "vdot"}},
    {kBool | kComplex,
     {"bucketize", "floor_divide", "fmod", "geometric_", "kthvalue", "max_pool2d_with_indices",
     "max_pool3d_with_indices", "median", "nanmedian", "remainder", "round", "threshold"}},
    {kBool | kHalves | kIntegers,
     {"_linalg_eigh", "cholesky", "cholesky_inverse", "cholesky_solve", "geqrf", "linalg_householder_product",
     "linalg_lu", "linalg_lu_factor_ex", "linalg_solve_triangular", "ormqr", "triangular_solve"}},
    {kBool | kSigned | kComplex,
     {"_upsample_nearest_exact1d", "_upsample_nearest_exact2d", "upsample_bicubic2d", "upsample_bilinear2d",
     "upsample_nearest1d", "upsample_nearest2d"}},
    {kBool | kIntegers,
     {"lerp", "logaddexp", "_logcumsumexp", "logcumsumexp", "normal", "silu", "uniform_"}},
    {kBool | kComplex | kHalves | kIntegers,
     {"_ctc_loss", "_histogramdd_bin_edges", "histogram", "multi_margin_loss", "multilabel_margin_loss_forward"}},
    {kHalves,
     {"_cdist_forward", "linalg_cholesky_ex", "linalg_eig", "linalg_qr"}},
    {kIntegers,
     {"im2col", "max_pool2d_with_indices_backward"}},
    {kBool | kSigned | kComplex | kHalves,
     {"_upsample_bilinear2d_aa"}},
    {kBool | kIntegersButLong | kComplex,
     {"avg_pool2d"}},
    {kBool | kIntegersButLong | kComplex | kHalves,
     {"avg_pool3d"}},
    {kBool | DtypeSet{ScalarType::Half} | kComplex | kIntegers,
     {"rrelu_with_noise"}},
    {{ScalarType::Half},
     {"polar"}},
  };
  // clang-format on
  return *table;
}

constexpr bool kMeasured = TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR == 13;

std::unordered_map<std::string_view, DtypeSet> by_op() {
  std::unordered_map<std::string_view, DtypeSet> result;
  for (const Gap& gap : gaps()) {
    for (const std::string_view op : gap.ops) result.emplace(op, gap.dtypes);
  }
  return result;
}

}  // namespace

DtypeSet dtypes_that_cpus_lack(std::string_view op) {
  constexpr std::string_view kNamespace = "aten::";
  if (!kMeasured || !op.starts_with(kNamespace)) return {};
  op.remove_prefix(kNamespace.size());
  static const auto* lacking = new std::unordered_map<std::string_view, DtypeSet>(by_op());
  auto found = lacking->find(op);
  if (found == lacking->end() && op.ends_with('_')) found = lacking->find(op.substr(0, op.size() - 1));
  return found == lacking->end() ? DtypeSet() : found->second;
}

void check_kernel_dtype(std::string_view op, DtypeSet lacking, c10::ArrayRef<c10::IValue> arguments) {
  std::optional<ScalarType> dtype;
  for (const c10::IValue& argument : arguments) {
    if (!argument.isTensor() || !argument.toTensor().defined()) continue;
    const at::Tensor& tensor = argument.toTensor();
    // Of nothing, no kernel is asked.
    if (tensor.numel() == 0) return;
    dtype = dtype ? c10::promoteTypes(*dtype, tensor.scalar_type()) : tensor.scalar_type();
  }
  TORCH_CHECK_NOT_IMPLEMENTED(!dtype || !lacking.contains(*dtype), op, ": not implemented for '", *dtype,
                              "' on a CPU worker; convert the tensors with .to(...)");
}

}  // namespace remote::device
