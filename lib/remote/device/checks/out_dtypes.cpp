#include <remote/device/checks/out_dtypes.h>

#include <unordered_map>

namespace remote::device {
namespace {

/// Measured with LibTorch 2.13: what its operator database's samples, with outs in each of seven dtypes, make the CPU
/// kernels refuse.
constexpr std::string_view kExact[] = {
    "_linalg_eigh",
    "_linalg_slogdet",
    "_linalg_solve_ex",
    "_log_softmax",
    "_softmax",
    "addbmm",
    "addmm",
    "addmv",
    "amax",
    "amin",
    "avg_pool3d",
    "baddbmm",
    "bitwise_not",
    "bmm",
    "bucketize",
    "ceil",
    "floor",
    "frac",
    "frexp",
    "gelu",
    "hardshrink",
    "heaviside",
    "histc",
    "histogram",
    "index_add",
    "index_copy",
    "index_select",
    "isin",
    "isneginf",
    "isposinf",
    "kthvalue",
    "linalg_cross",
    "linalg_ldl_factor_ex",
    "linalg_ldl_solve",
    "linalg_lu",
    "linalg_lu_factor_ex",
    "linalg_lu_solve",
    "linalg_qr",
    "linalg_solve_triangular",
    "linalg_vector_norm",
    "log_sigmoid_forward",
    "lu_unpack",
    "masked_select",
    "mm",
    "mode",
    "nan_to_num",
    "narrow_copy",
    "native_batch_norm",
    "neg",
    "nonzero",
    "ormqr",
    "renorm",
    "round",
    "scatter_reduce",
    "searchsorted",
    "sgn",
    "sign",
    "signbit",
    "softplus",
    "softshrink",
    "sort",
    "take",
    "triangular_solve",
    "tril",
    "triu",
    "trunc",
    "where",
};
constexpr std::string_view kAny[] = {"bernoulli", "cumprod", "cumsum", "nansum", "prod", "sum"};

using OutDtypesByOp = std::unordered_map<std::string_view, OutDtypes>;

}  // namespace

OutDtypes out_dtypes_of(std::string_view op) {
  constexpr std::string_view kNamespace = "aten::";
  static const auto* by_op = [] {
    auto* map = new OutDtypesByOp();
    for (const std::string_view name : kExact) map->emplace(name, OutDtypes::kExact);
    for (const std::string_view name : kAny) map->emplace(name, OutDtypes::kAny);
    return map;
  }();
  if (!op.starts_with(kNamespace)) return OutDtypes::kCastable;
  const auto found = by_op->find(op.substr(kNamespace.size()));
  return found == by_op->end() ? OutDtypes::kCastable : found->second;
}

}  // namespace remote::device
