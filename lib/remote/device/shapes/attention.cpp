#include <ATen/ExpandUtils.h>

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

/// scaled_dot_product_attention(query, key, value, ...) -> output, as a fused kernel lays it out: one for float32 in
/// the order of its memory, those for narrower types as the query lies.
bool attention(const ShapeQuery& query, OutputSpecs& out) {
  const Tensor &q_BHLE = tensor_at(query, 0), &k_BHSE = tensor_at(query, 1), &v_BHSE = tensor_at(query, 2);
  if (q_BHLE.dim() != 4 || k_BHSE.dim() != 4 || v_BHSE.dim() != 4) return false;
  // Batches or heads that are broadcast, shapes that don't fit.
  if (q_BHLE.size(0) != k_BHSE.size(0) || q_BHLE.size(0) != v_BHSE.size(0)) return false;
  if (q_BHLE.size(3) != k_BHSE.size(3) || k_BHSE.size(2) != v_BHSE.size(2)) return false;
  const int64_t heads = q_BHLE.size(1), key_heads = k_BHSE.size(1);
  const bool grouped = bool_at(query, 7) && key_heads > 0 && heads % key_heads == 0;
  if (key_heads != v_BHSE.size(1) || (heads != key_heads && !grouped)) return false;
  const Tensor& mask = tensor_at(query, 3);
  if (mask.defined() && !at::is_expandable_to(mask.sizes(), {q_BHLE.size(0), heads, q_BHLE.size(2), k_BHSE.size(2)})) {
    return false;
  }
  const auto sizes = with_size(q_BHLE.sizes(), 3, v_BHSE.size(3));
  const ScalarType dtype = q_BHLE.scalar_type();
  const bool as_query = c10::isReducedFloatingType(dtype) && q_BHLE.sizes() == IntArrayRef(sizes);
  return returns(out, {as_query ? dense_like(q_BHLE) : heads_inside(sizes, dtype)});
}

/// _native_multi_head_attention(query, key, value, embed_dim, num_head, qkv_weight, qkv_bias, proj_weight, proj_bias,
/// mask, need_weights, average_attn_weights, mask_type) -> (output, weights)
bool native_multi_head_attention(const ShapeQuery& query, OutputSpecs& out) {
  const Tensor& q_BTE = tensor_at(query, 0);
  if (q_BTE.dim() != 3) return false;
  const int64_t batch = q_BTE.size(0), length = q_BTE.size(1), heads = int_at(query, 4);
  const ScalarType dtype = q_BTE.scalar_type();
  const OutputSpec weights = bool_at(query, 11) ? contiguous({batch, length, length}, dtype)
                                                : contiguous({batch, heads, length, length}, dtype);
  return returns(out, {contiguous(q_BTE.sizes(), dtype), bool_at(query, 10) ? weights : undefined()});
}

constexpr NamedRule kAttentionRules[] = {
    {"_native_multi_head_attention", native_multi_head_attention},
    {"_transformer_encoder_layer_fwd", returns_contiguous_like<0>},
    {"scaled_dot_product_attention", attention},
    {"_scaled_dot_product_flash_attention_for_cpu", flash_attention},
    {"_scaled_dot_product_flash_attention_for_cpu_backward", flash_attention_backward},
};

}  // namespace

RuleTable attention_rules() {
  return kAttentionRules;
}

}  // namespace remote::device::shapes
