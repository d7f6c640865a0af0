// Scaled dot-product attention: one op each way where the worker's device has a fused kernel for the arguments.
#include <ATen/NativeFunctions.h>
#include <ATen/native/DispatchStub.h>
#include <ATen/native/transformers/attention.h>
#include <ATen/native/transformers/sdp_utils_cpp.h>

#include <torch/library.h>

#include <array>

#include <remote/device/describe.h>
#include <remote/device/ops/taped_ops.h>
#include <remote/device/recorder.h>
#include <remote/device/runtime.h>

namespace remote::device {
namespace {

/// What a CPU worker would choose: its flash kernel, or the math of several ops. As LibTorch's CPU code decides.
bool cpu_takes_flash(const sdp::sdp_params& params) {
  constexpr std::array<bool (*)(const sdp::sdp_params&, bool), 8> kConstraints = {
      sdp::check_runtime_disabled_flash,
      sdp::check_nested_tensor,
      sdp::check_for_dropout,
      sdp::check_tensor_shapes,
      sdp::check_batch_size_and_num_heads_dense</*supports_gqa=*/true>,
      sdp::check_attn_mask_shape,
      sdp::check_nonzero_sequence_lengths_dense,
      sdp::check_last_dim_stride_equals_1_dense</*ignore_singleton_dim=*/false>,
  };
  for (const auto constraint : kConstraints) {
    if (!constraint(params, /*debug=*/false)) return false;
  }
  const auto head_dim = params.query.sym_size(-1);
  if (params.key.sym_size(-1) != head_dim || params.value.sym_size(-1) != head_dim) return false;
  const auto dtype = params.query.scalar_type();
  return params.key.scalar_type() == dtype && params.value.scalar_type() == dtype &&
         (dtype == at::kFloat || dtype == at::kDouble || dtype == at::kBFloat16 || dtype == at::kHalf);
}

int64_t choose_backend(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                       const std::optional<at::Tensor>& mask, double dropout, bool causal, std::optional<double>,
                       bool enable_gqa) {
  const sdp::sdp_params params{query, key, value, mask, dropout, causal, enable_gqa};
  // A FakeTensor takes what a tensor would.
  const bool on_cpu = Runtime::get().hardware(query.device().index()).device == at::kCPU;
  const bool flash = on_cpu && cpu_takes_flash(params);
  if (flash) return static_cast<int64_t>(sdp::SDPBackend::flash_attention);
  const bool math = at::globalContext().userEnabledMathSDP();
  return static_cast<int64_t>(math ? sdp::SDPBackend::math : sdp::SDPBackend::error);
}

/// Whether LibTorch's CUDA code could take one of its fused kernels. Which of them, or the math after all, depends on
/// the device: the worker decides.
bool cuda_may_fuse(const sdp::sdp_params& params) {
  const auto& context = at::globalContext();
  if (!context.userEnabledFlashSDP() && !context.userEnabledMemEfficientSDP() && !context.userEnabledCuDNNSDP()) {
    return false;
  }
  const auto dtype = params.query.scalar_type();
  if (dtype != at::kFloat && dtype != at::kBFloat16 && dtype != at::kHalf) return false;
  const auto fits = [&](const at::Tensor& tensor) {
    return tensor.device() == params.query.device() && tensor.dim() == 4 && tensor.scalar_type() == dtype;
  };
  return params.query.dim() == 4 && fits(params.key) && fits(params.value) &&
         (!params.attn_mask || params.attn_mask->device() == params.query.device());
}

at::Tensor attention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                     const std::optional<at::Tensor>& mask, double dropout, bool causal, std::optional<double> scale,
                     bool enable_gqa) {
  if (worker_is(at::kCUDA, query) && cuda_may_fuse({query, key, value, mask, dropout, causal, enable_gqa})) {
    const c10::OperatorName op{"aten::scaled_dot_product_attention", ""};
    if (const auto results = record_taped(op, {query, key, value, mask, dropout, causal, scale, enable_gqa})) {
      return results->front();
    }
  }
  return at::native::scaled_dot_product_attention(query, key, value, mask, dropout, causal, scale, enable_gqa);
}

/// No gradient came: LibTorch's kernel returns none, and a worker is asked for nothing.
void record_flash_backward(const c10::OperatorHandle& op, c10::DispatchKeySet keys, torch::jit::Stack* stack) {
  const size_t count = op.schema().arguments().size();
  if (torch::jit::peek(*stack, 0, count).toTensor().defined()) return record_op(op, keys, stack);
  torch::jit::drop(*stack, count);
  for (int i = 0; i < 3; ++i) stack->emplace_back(at::Tensor());
}

// On both keys: autograd sees the ops inside, and inference mode leaves its key out.
TORCH_LIBRARY_IMPL(aten, AutogradPrivateUse1, m) {
  m.impl("scaled_dot_product_attention", &attention);
}
TORCH_LIBRARY_IMPL(aten, PrivateUse1, m) {
  m.impl("scaled_dot_product_attention", &attention);
  m.impl("_scaled_dot_product_flash_attention_for_cpu_backward",
         torch::CppFunction::makeFromBoxedFunction<&record_flash_backward>());
}

}  // namespace
}  // namespace remote::device

namespace at::native {
REGISTER_PRIVATEUSE1_DISPATCH(_fused_sdp_choice_stub, &remote::device::choose_backend)
}  // namespace at::native
