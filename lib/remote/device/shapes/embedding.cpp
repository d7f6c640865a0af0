#include <remote/device/shapes/common.h>
#include <remote/device/shapes/tables.h>

namespace remote::device::shapes {
namespace {

/// embedding(weight, indices, padding_idx, ...): [indices..., features]
bool embedding(const ShapeQuery& query, OutputSpecs& out) {
  const Tensor& weight = tensor_at(query, 0);
  TORCH_CHECK(weight.dim() == 2, "'weight' must be 2-D");
  const IntArrayRef indices = tensor_at(query, 1).sizes();
  Dims sizes(indices.begin(), indices.end());
  sizes.push_back(weight.size(1));
  return returns(out, {contiguous(sizes, weight.scalar_type())});
}

/// embedding_dense_backward(grad_output, indices, num_weights, padding_idx, scale_grad_by_freq)
bool embedding_dense_backward(const ShapeQuery& query, OutputSpecs& out) {
  const Tensor& grad = tensor_at(query, 0);
  return returns(out, {contiguous({int_at(query, 2), grad.size(-1)}, grad.scalar_type())});
}

enum class BagMode : int64_t { kSum = 0, kMean = 1, kMax = 2 };

/// Sums of bags whose rows are contiguous go through a kernel that needs no map from offset to bag.
bool sums_fast(const ShapeQuery& query, const Tensor& weight) {
  const ScalarType dtype = weight.scalar_type();
  const Tensor& sample_weights = tensor_at(query, 6);
  return (dtype == ScalarType::Float || dtype == ScalarType::Half || dtype == ScalarType::BFloat16) &&
         weight.stride(1) == 1 && int_at(query, 8) < 0 && (!sample_weights.defined() || sample_weights.stride(0) == 1);
}

/// _embedding_bag(weight, indices, offsets, scale_grad_by_freq, mode, sparse, per_sample_weights, include_last_offset,
/// padding_idx) -> (output, offset2bag, bag_size, maximum_indices)
template <bool kForwardOnly>
bool embedding_bag(const ShapeQuery& query, OutputSpecs& out) {
  if (!on_cpu(query)) return false;
  const Tensor& weight = tensor_at(query, 0);
  const Tensor& indices = tensor_at(query, 1);
  const Tensor& offsets = tensor_at(query, 2);
  if (weight.dim() != 2 || indices.dim() != 1 || offsets.dim() != 1) return false;
  const auto mode = static_cast<BagMode>(int_at(query, 4));
  const ScalarType index_dtype = promoted({&indices, &offsets});
  const int64_t bags = offsets.size(0) - (bool_at(query, 7) ? 1 : 0);
  const bool is_sum = mode == BagMode::kSum;
  const int64_t mapped = is_sum && sums_fast(query, weight) ? 0 : indices.size(0);
  const OutputSpec bag_size = contiguous({is_sum && kForwardOnly ? offsets.size(0) : bags}, index_dtype);
  return returns(out, {contiguous({bags, weight.size(1)}, weight.scalar_type()), contiguous({mapped}, index_dtype),
                       bag_size, mode == BagMode::kMax ? contiguous({bags, weight.size(1)}, index_dtype) : bag_size});
}

/// (grad, ..., num_weights at kCount, ..., sparse at kSparse or never)
template <size_t kCount, size_t kSparse>
bool embedding_bag_backward(const ShapeQuery& query, OutputSpecs& out) {
  if (kSparse != 0 && bool_at(query, kSparse)) return false;
  const Tensor& grad = tensor_at(query, 0);
  return returns(out, {contiguous({int_at(query, kCount), grad.size(1)}, grad.scalar_type())});
}

/// _embedding_bag_per_sample_weights_backward(grad, weight, indices, ...)
bool per_sample_weights_backward(const ShapeQuery& query, OutputSpecs& out) {
  return returns(out, {contiguous({tensor_at(query, 2).size(0)}, tensor_at(query, 0).scalar_type())});
}

constexpr NamedRule kEmbeddingRules[] = {
    {"embedding", embedding},
    {"embedding_dense_backward", embedding_dense_backward},
    {"_embedding_bag", embedding_bag<false>},
    {"_embedding_bag_forward_only", embedding_bag<true>},
    {"_embedding_bag_backward", embedding_bag_backward<6, 9>},
    {"_embedding_bag_dense_backward", embedding_bag_backward<5, 0>},
    {"_embedding_bag_per_sample_weights_backward", per_sample_weights_backward},
};

}  // namespace

RuleTable embedding_rules() {
  return kEmbeddingRules;
}

}  // namespace remote::device::shapes
