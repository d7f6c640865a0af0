// Autocast: which ops run in lower precision, in float32, or in the widest type among their arguments. LibTorch's own
// lists.
#include <ATen/autocast_mode.h>
#include <torch/library.h>

#include <remote/device/error.h>

namespace remote::device {
namespace {

at::Tensor refuse_binary_cross_entropy(const at::Tensor&, const at::Tensor&, const std::optional<at::Tensor>&,
                                       int64_t) {
  throw_error(StatusCode::kInvalidArgument,
              "binary_cross_entropy is unsafe under autocast: its gradient overflows in lower precision; use "
              "binary_cross_entropy_with_logits, which takes what comes before the sigmoid");
}

// All else runs in the dtype that it gets.
TORCH_LIBRARY_IMPL(_, AutocastPrivateUse1, m) { m.fallback(torch::CppFunction::makeFallthrough()); }

TORCH_LIBRARY_IMPL(aten, AutocastPrivateUse1, m) {
#define REMOTE_LOWER_PRECISION(...) KERNEL_PRIVATEUSEONE(__VA_ARGS__, lower_precision_fp)
  AT_FORALL_LOWER_PRECISION_FP(REMOTE_LOWER_PRECISION)
#undef REMOTE_LOWER_PRECISION
#define REMOTE_FLOAT32(...) KERNEL_PRIVATEUSEONE(__VA_ARGS__, fp32)
  AT_FORALL_FP32(REMOTE_FLOAT32)
#undef REMOTE_FLOAT32
#define REMOTE_FLOAT32_DTYPE(...) KERNEL_PRIVATEUSEONE(__VA_ARGS__, fp32_set_opt_dtype)
  AT_FORALL_FP32_SET_OPT_DTYPE(REMOTE_FLOAT32_DTYPE)
#undef REMOTE_FLOAT32_DTYPE
#define REMOTE_PROMOTE(...) KERNEL_PRIVATEUSEONE(__VA_ARGS__, promote)
  AT_FORALL_PROMOTE(REMOTE_PROMOTE)
#undef REMOTE_PROMOTE
  m.impl("binary_cross_entropy", &refuse_binary_cross_entropy);
}

}  // namespace
}  // namespace remote::device
