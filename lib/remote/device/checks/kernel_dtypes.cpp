#include <remote/device/checks/kernel_dtypes.h>

#include <ATen/native/TypeProperties.h>
#include <torch/version.h>

#include <optional>
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
constexpr DtypeSet kFloats = {ScalarType::Float, ScalarType::Double};
constexpr DtypeSet kWideUnsigned = {ScalarType::UInt16, ScalarType::UInt32, ScalarType::UInt64};
constexpr DtypeSet kComplex = {ScalarType::ComplexFloat, ScalarType::ComplexDouble};

struct Gap {
  DtypeSet dtypes;
  std::vector<std::string_view> ops;
};

/// Measured with LibTorch 2.13: what its operator database's samples, in each of fifteen dtypes, make the CPU kernels
/// refuse as not implemented, and no sample gets through. An overload that is named goes before its op; in-place
/// ops are as the others where not named.
const std::vector<Gap>& gaps() {
  // clang-format off
  static const auto* table = new std::vector<Gap>{
    {kBool | kComplex | kIntegers,
     {"_adaptive_avg_pool3d", "_batch_norm_with_update", "_histogramdd_bin_edges", "_histogramdd_from_bin_cts",
     "_histogramdd_from_bin_tensors", "_log_softmax", "_native_batch_norm_legit",
     "_prelu_kernel", "_safe_softmax", "_softmax", "_softmax_backward_data", "adaptive_max_pool2d",
     "adaptive_max_pool3d", "binary_cross_entropy", "binary_cross_entropy_with_logits", "celu", "elu", "frac",
     "gelu", "glu", "grid_sampler_2d", "grid_sampler_3d", "hardshrink", "hardsigmoid", "hardswish", "histc",
     "histogram", "huber_loss", "hypot", "igamma", "igammac", "leaky_relu", "log_normal_", "log_sigmoid_forward",
     "logaddexp2", "max_pool1d", "max_unpool2d", "max_unpool3d", "mish", "mse_loss", "native_batch_norm", "native_group_norm",
     "native_layer_norm", "nextafter", "nll_loss_forward", "round.decimals_out", "segment_reduce", "smooth_l1_loss", "softplus",
     "softshrink", "upsample_linear1d", "upsample_trilinear3d"}},
    {kComplex,
     {"_cummax_helper", "_cummin_helper", "_unique2", "amax", "amin", "aminmax", "atan2", "bernoulli_",
     "clamp.Tensor_out", "clamp_max", "clamp_min", "copysign", "cummax", "cummin",
     "digamma", "erf", "erfc", "erfinv", "fmax", "fmin", "fractional_max_pool2d", "fractional_max_pool3d", "ge",
     "gt", "hash_tensor", "hardtanh", "i0", "le", "lgamma", "logit", "lt", "max", "maximum", "min", "minimum", "mvlgamma",
     "polygamma", "relu", "signbit", "special_entr", "special_i0e", "special_i1", "special_i1e", "special_xlog1py",
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
     {"_trilinear", "abs", "addbmm", "addcmul", "addmm", "addmv", "baddbmm", "ceil", 
     "convolution", "div_",
     "dot", "floor", "linalg_cross", "mv", "pow.Tensor_Tensor_out", "pow_", "reflection_pad1d", "reflection_pad2d", "replication_pad1d",
     "replication_pad2d", "trace", "trunc", "vdot"}},
    {kBool | kComplex,
     {"bucketize", "div.out_mode", "floor_divide", "fmod", "geometric_", "index_reduce", "max_pool2d_with_indices",
     "max_pool3d_with_indices", "median", "nanmedian", "remainder", "round", "threshold"}},
    {kBool | kHalves | kIntegers,
     {"_linalg_eigh", "cholesky", "cholesky_inverse", "_cholesky_solve_helper", "geqrf", "linalg_householder_product",
     "linalg_lu", "linalg_lu_factor_ex", "linalg_solve_triangular", "ormqr", "triangular_solve"}},
    {kBool | kSigned | kComplex,
     {"_upsample_nearest_exact1d", "_upsample_nearest_exact2d", "upsample_bicubic2d", "upsample_bilinear2d",
     "upsample_nearest1d", "upsample_nearest2d"}},
    {kBool | kIntegers,
     {"lerp", "logaddexp", "_logcumsumexp", "logcumsumexp", "normal", "silu", "uniform_"}},
    {kBool | kComplex | kHalves | kIntegers,
     {"_ctc_loss", "multi_margin_loss", "multilabel_margin_loss_forward"}},
    {kHalves,
     {"_cdist_forward", "_linalg_det", "_linalg_eigvals", "_linalg_solve_ex", "_linalg_svd", "linalg_cholesky_ex",
     "linalg_eig", "linalg_ldl_factor_ex", "linalg_ldl_solve", "linalg_lu_solve", "linalg_qr"}},
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
    {kBool | kComplex | kFloats | kHalves,
     {"bitwise_left_shift", "bitwise_right_shift", "gcd", "lcm"}},
  };
  // clang-format on
  return *table;
}

/// The ops whose CPU kernels have none of the wide unsigned integers.
constexpr std::string_view kLackWideUnsigned[] = {
    "abs",
    "add",
    "addbmm",
    "addcmul",
    "addmv",
    "addr",
    "amax",
    "amin",
    "argmax",
    "argmin",
    "bitwise_left_shift",
    "bitwise_not",
    "bitwise_right_shift",
    "channel_shuffle",
    "clamp",
    "clamp_max",
    "clamp_min",
    "dot",
    "floor_divide",
    "fmax",
    "fmin",
    "fmod",
    "gcd",
    "ge",
    "geometric",
    "gt",
    "hardtanh",
    "hash_tensor",
    "heaviside",
    "lcm",
    "le",
    "linalg_cross",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "lt",
    "maximum",
    "median",
    "minimum",
    "nanmedian",
    "neg",
    "pixel_shuffle",
    "pixel_unshuffle",
    "reflection_pad1d",
    "relu",
    "remainder",
    "replication_pad1d",
    "replication_pad2d",
    "rsub",
    "sgn",
    "sign",
    "sub",
    "threshold",
    "trace",
    "tril",
    "triu",
    "vdot",
};

/// Whose kernels say so of tensors without elements, too.
constexpr std::string_view kLookAtNothing[] = {
    "_adaptive_avg_pool3d",
    "_cholesky_solve_helper",
    "_linalg_eigvals",
    "_prelu_kernel",
    "abs",
    "addcmul",
    "aminmax",
    "avg_pool2d",
    "avg_pool3d",
    "ceil",
    "cholesky_inverse",
    "digamma",
    "elu",
    "erf",
    "erfc",
    "floor",
    "frac",
    "geqrf",
    "glu",
    "hardshrink",
    "hardsigmoid",
    "hardtanh",
    "im2col",
    "lgamma",
    "linalg_eig",
    "linalg_qr",
    "log_sigmoid_forward",
    "max_pool1d",
    "mish",
    "reflection_pad1d",
    "reflection_pad2d",
    "relu",
    "replication_pad1d",
    "replication_pad2d",
    "round",
    "round.decimals_out",
    "rrelu_with_noise",
    "silu",
    "softplus",
    "special_airy_ai",
    "special_bessel_j0",
    "special_bessel_j1",
    "special_bessel_y0",
    "special_bessel_y1",
    "special_erfcx",
    "special_log_ndtr",
    "special_modified_bessel_i0",
    "special_modified_bessel_i1",
    "special_modified_bessel_k0",
    "special_modified_bessel_k1",
    "special_ndtri",
    "special_scaled_modified_bessel_k0",
    "special_scaled_modified_bessel_k1",
    "special_spherical_bessel_j0",
    "triangular_solve",
    "trunc",
};

constexpr bool kMeasured = TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR == 13;

using ByOp = std::unordered_map<std::string_view, KernelGap>;

ByOp by_op() {
  ByOp result;
  for (const Gap& gap : gaps()) {
    for (const std::string_view op : gap.ops) result[op].dtypes = result[op].dtypes | gap.dtypes;
  }
  for (const std::string_view op : kLookAtNothing) result.at(op).of_nothing_too = true;
  for (const std::string_view op : kLackWideUnsigned) result[op].dtypes = result[op].dtypes | kWideUnsigned;
  return result;
}

}  // namespace

KernelGap dtypes_that_cpus_lack(const c10::OperatorName& name) {
  constexpr std::string_view kNamespace = "aten::";
  if (!kMeasured || !name.name.starts_with(kNamespace)) return {};
  static const auto* lacking = new ByOp(by_op());
  const std::string full_name = toString(name).substr(kNamespace.size());
  std::string_view op = std::string_view(name.name).substr(kNamespace.size());
  auto found = lacking->find(full_name);
  if (found == lacking->end()) found = lacking->find(op);
  if (found == lacking->end() && op.ends_with('_')) found = lacking->find(op.substr(0, op.size() - 1));
  return found == lacking->end() ? KernelGap() : found->second;
}

namespace {

ScalarType promoted(c10::ArrayRef<c10::IValue> arguments) {
  at::native::ResultTypeState state;
  for (const c10::IValue& argument : arguments) {
    if (!argument.isTensor() || !argument.toTensor().defined()) continue;
    state = at::native::update_result_type_state(argument.toTensor(), state);
  }
  return at::native::result_type(state);
}

}  // namespace

void check_kernel_dtype(std::string_view op, const KernelGap& gap, c10::ArrayRef<c10::IValue> arguments) {
  std::optional<ScalarType> dtype;
  bool is_mixed = false;
  for (const c10::IValue& argument : arguments) {
    if (!argument.isTensor() || !argument.toTensor().defined()) continue;
    const at::Tensor& tensor = argument.toTensor();
    // Of nothing, most kernels are not asked.
    if (tensor.numel() == 0 && !gap.of_nothing_too) return;
    is_mixed = is_mixed || (dtype && *dtype != tensor.scalar_type());
    dtype = tensor.scalar_type();
  }
  if (is_mixed) dtype = promoted(arguments);
  TORCH_CHECK_NOT_IMPLEMENTED(!dtype || !gap.dtypes.contains(*dtype), op, ": not implemented for '", *dtype,
                              "' on a CPU worker; convert the tensors with .to(...)");
}

}  // namespace remote::device
