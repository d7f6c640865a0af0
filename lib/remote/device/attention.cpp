// Scaled dot-product attention: one op each way where the worker's device has a fused kernel for the arguments.
#include <ATen/native/DispatchStub.h>
#include <ATen/native/transformers/attention.h>
#include <ATen/native/transformers/sdp_utils_cpp.h>

#include <array>

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
  const auto head_dim = params.query.size(-1);
  if (params.key.size(-1) != head_dim || params.value.size(-1) != head_dim) return false;
  const auto dtype = params.query.scalar_type();
  return params.key.scalar_type() == dtype && params.value.scalar_type() == dtype &&
         (dtype == at::kFloat || dtype == at::kDouble || dtype == at::kBFloat16 || dtype == at::kHalf);
}

int64_t choose_backend(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                       const std::optional<at::Tensor>& mask, double dropout, bool causal, std::optional<double>,
                       bool enable_gqa) {
  const auto worker = Runtime::get().worker_type(query.device().index());
  const sdp::sdp_params params{query, key, value, mask, dropout, causal, enable_gqa};
  const bool flash = worker == c10::DeviceType::CPU && cpu_takes_flash(params);
  return static_cast<int64_t>(flash ? sdp::SDPBackend::flash_attention : sdp::SDPBackend::math);
}

}  // namespace
}  // namespace remote::device

namespace at::native {
REGISTER_PRIVATEUSE1_DISPATCH(_fused_sdp_choice_stub, &remote::device::choose_backend)
}  // namespace at::native
