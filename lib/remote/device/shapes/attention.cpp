#include <remote/device/shapes/common.h>
#include <remote/device/shapes/tables.h>

// B batch, H heads, L length, E features of a head.
namespace remote::device::shapes {
namespace {

/// Sizes [B, H, L, ...] of memory that is [B, L, H, ...].
OutputSpec heads_inside(IntArrayRef sizes, ScalarType dtype) {
  Dims memory{sizes[0], sizes[2], sizes[1]};
  memory.append(sizes.begin() + 3, sizes.end());
  OutputSpec spec = contiguous(memory, dtype);
  std::swap(spec.sizes[1], spec.sizes[2]);
  std::swap(spec.strides[1], spec.strides[2]);
  return spec;
}

/// _scaled_dot_product_flash_attention_for_cpu(query, key, value, ...) -> (output, logsumexp)
bool flash_attention(const ShapeQuery& query, OutputSpecs& out) {
  const Tensor& q_BHLE = tensor_at(query, 0);
  if (q_BHLE.dim() != 4) return false;
  const ScalarType dtype = q_BHLE.scalar_type();
  return returns(
      out, {dense_like(q_BHLE),
            heads_inside(q_BHLE.sizes().slice(0, 3), c10::isReducedFloatingType(dtype) ? ScalarType::Float : dtype)});
}

/// _scaled_dot_product_flash_attention_for_cpu_backward(grad_out, query, key, value, ...) -> (grads of query, key,
/// value)
bool flash_attention_backward(const ShapeQuery& query, OutputSpecs& out) {
  for (size_t i = 1; i <= 3; ++i) {
    const Tensor& like_BHLE = tensor_at(query, i);
    if (like_BHLE.dim() != 4) return false;
    out.push_back(heads_inside(like_BHLE.sizes(), like_BHLE.scalar_type()));
  }
  return true;
}

constexpr NamedRule kAttentionRules[] = {
    {"_scaled_dot_product_flash_attention_for_cpu", flash_attention},
    {"_scaled_dot_product_flash_attention_for_cpu_backward", flash_attention_backward},
};

}  // namespace

RuleTable attention_rules() {
  return kAttentionRules;
}

}  // namespace remote::device::shapes
