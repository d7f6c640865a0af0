#include <algorithm>

#include <remote/device/shapes/common.h>
#include <remote/device/shapes/tables.h>

namespace remote::device::shapes {
namespace {

/// Float where half-precision activations are normalised with float parameters, else the activations' dtype.
ScalarType parameter_dtype(const ShapeQuery& query, const Tensor& input, std::initializer_list<size_t> parameters) {
  const ScalarType dtype = input.scalar_type();
  if (!c10::isReducedFloatingType(dtype)) return dtype;
  const bool mixed = std::any_of(parameters.begin(), parameters.end(), [&](size_t index) {
    const Tensor& parameter = tensor_at(query, index);
    return parameter.defined() && parameter.scalar_type() == ScalarType::Float;
  });
  return mixed ? ScalarType::Float : dtype;
}

/// The same on CPU; CUDA's kernels for batch and layer norm always accumulate half precision in float.
ScalarType statistics_dtype(const ShapeQuery& query, const Tensor& input, std::initializer_list<size_t> parameters) {
  if (!on_cpu(query) && c10::isReducedFloatingType(input.scalar_type())) return ScalarType::Float;
  return parameter_dtype(query, input, parameters);
}

/// What is row-major or channels last is so even where strides of sizes of 1 say otherwise; channels last with gaps
/// becomes dense.
OutputSpec batch_norm_output(const ShapeQuery& query, const Tensor& input) {
  if (!on_cpu(query)) return dense_like(input);
  for (const auto format :
       {at::MemoryFormat::Contiguous, at::MemoryFormat::ChannelsLast3d, at::MemoryFormat::ChannelsLast}) {
    if (input.is_contiguous(format)) return formatted(input.sizes(), input.scalar_type(), format);
  }
  return suggested_like(input);
}

struct BatchNorm {
  OutputSpec output, statistics;
};

BatchNorm batch_norm(const ShapeQuery& query, bool training, std::initializer_list<size_t> parameters) {
  const Tensor& input = tensor_at(query, 0);
  TORCH_CHECK(input.dim() >= 2, "batch norm: expected an input with at least 2 dimensions, got ", input.sizes());
  for (const size_t place : parameters) {
    // A CPU's kernel reads as many as there are channels.
    const Tensor& parameter = tensor_at(query, place);
    TORCH_CHECK(!parameter.defined() || parameter.numel() == input.size(1), "batch norm: expected ", input.size(1),
                " elements in weight, bias and running statistics, one a channel, but got ", parameter.sizes());
  }
  const ScalarType dtype = statistics_dtype(query, input, parameters);
  // In evaluation the CPU's kernel saves nothing, CUDA's the running statistics.
  const int64_t channels = training || !on_cpu(query) ? input.size(1) : 0;
  return {batch_norm_output(query, input), contiguous({channels}, dtype)};
}

/// native_batch_norm(input, weight, bias, running_mean, running_var, training, ...) -> (output, save_mean, save_invstd)
bool native_batch_norm(const ShapeQuery& query, OutputSpecs& out) {
  const BatchNorm result = batch_norm(query, bool_at(query, 5), {1, 2, 3, 4});
  return returns(out, {result.output, result.statistics, result.statistics});
}

/// _native_batch_norm_legit.no_stats(input, weight, bias, training, ...)
bool batch_norm_without_running(const ShapeQuery& query, OutputSpecs& out) {
  const BatchNorm result = batch_norm(query, bool_at(query, 3), {1, 2});
  return returns(out, {result.output, result.statistics, result.statistics});
}

/// What cuDNN keeps for the way back.
OutputSpec reserve(const ShapeQuery& query) {
  return on_cpu(query) ? contiguous({0}, ScalarType::Byte) : opaque(ScalarType::Byte);
}

/// _batch_norm_with_update(input, weight, bias, running_mean, running_var, ...) -> (output, save_mean, save_invstd,
/// reserve)
bool batch_norm_with_update(const ShapeQuery& query, OutputSpecs& out) {
  const BatchNorm result = batch_norm(query, true, {1, 2, 3, 4});
  return returns(out, {result.output, result.statistics, result.statistics, reserve(query)});
}

/// _batch_norm_no_update(input, weight, bias, running_mean, running_var, ...) -> as above
bool batch_norm_no_update(const ShapeQuery& query, OutputSpecs& out) {
  const BatchNorm result = batch_norm(query, false, {1, 2, 3, 4});
  return returns(out, {result.output, result.statistics, result.statistics, reserve(query)});
}

/// (grad_out, input, weight, running_mean, running_var, save_mean, save_invstd, train, eps, output_mask, ...)
/// -> (grad_input, grad_weight, grad_bias)
template <size_t kInput, size_t kWeight, size_t kMask>
bool batch_norm_backward(const ShapeQuery& query, OutputSpecs& out) {
  const Tensor& input = tensor_at(query, kInput);
  const auto mask = query.arguments[kMask].toBoolList();
  const Tensor& weight = tensor_at(query, kWeight);
  const ScalarType dtype = weight.defined() ? weight.scalar_type() : statistics_dtype(query, input, {3, 4, 5, 6});
  const OutputSpec parameter = contiguous({input.size(1)}, dtype);
  return returns(out, {mask[0] ? (on_cpu(query) ? suggested_like(input) : dense_like(input)) : undefined(),
                       mask[1] ? parameter : undefined(), mask[2] ? parameter : undefined()});
}

/// batch_norm_update_stats(input, running_mean, running_var, momentum) -> (mean, variance)
bool batch_norm_update_stats(const ShapeQuery& query, OutputSpecs& out) {
  const Tensor& input = tensor_at(query, 0);
  const OutputSpec statistics = contiguous({input.size(1)}, statistics_dtype(query, input, {1, 2}));
  return returns(out, {statistics, statistics});
}

/// native_layer_norm(input, normalized_shape, weight, bias, eps) -> (output, mean, rstd)
bool native_layer_norm(const ShapeQuery& query, OutputSpecs& out) {
  const Tensor& input = tensor_at(query, 0);
  const Dims normalized = ints_at(query, 1);
  const size_t rank = input.sizes().size();
  TORCH_CHECK(!normalized.empty() && normalized.size() <= rank &&
                  input.sizes().slice(rank - normalized.size()).equals(normalized),
              "Given normalized_shape=", IntArrayRef(normalized), ", expected input with shape [*, ",
              c10::Join(", ", normalized), "], but got input of size", input.sizes());
  for (const size_t place : {2, 3}) {
    const Tensor& parameter = tensor_at(query, place);
    TORCH_CHECK(!parameter.defined() || parameter.sizes().equals(normalized), "Expected ",
                place == 2 ? "weight" : "bias", " to be of same shape as normalized_shape, but got ", parameter.sizes(),
                " and normalized_shape = ", IntArrayRef(normalized));
  }
  Dims kept(input.sizes().begin(), input.sizes().end());
  std::fill(kept.end() - static_cast<std::ptrdiff_t>(normalized.size()), kept.end(), 1);
  const OutputSpec statistics = contiguous(kept, statistics_dtype(query, input, {2, 3}));
  return returns(out, {contiguous(input.sizes(), input.scalar_type()), statistics, statistics});
}

/// native_layer_norm_backward(grad_out, input, normalized_shape, mean, rstd, weight, bias, output_mask)
bool native_layer_norm_backward(const ShapeQuery& query, OutputSpecs& out) {
  const Tensor& input = tensor_at(query, 1);
  const Tensor& weight = tensor_at(query, 5);
  const Tensor& bias = tensor_at(query, 6);
  const auto mask = query.arguments[7].toBoolList();
  const auto parameter = [](const Tensor& like) { return contiguous(like.sizes(), like.scalar_type()); };
  if ((mask[1] && !weight.defined()) || (mask[2] && !weight.defined() && !bias.defined())) return false;
  return returns(out, {mask[0] ? contiguous(input.sizes(), input.scalar_type()) : undefined(),
                       mask[1] ? parameter(weight) : undefined(),
                       mask[2] ? parameter(bias.defined() ? bias : weight) : undefined()});
}

/// native_group_norm(input, weight, bias, N, C, HxW, group, eps) -> (output, mean, rstd)
bool native_group_norm(const ShapeQuery& query, OutputSpecs& out) {
  const Tensor& input = tensor_at(query, 0);
  const OutputSpec statistics = contiguous({int_at(query, 3), int_at(query, 6)}, parameter_dtype(query, input, {1, 2}));
  return returns(out, {on_cpu(query) ? suggested_like(input) : contiguous(input.sizes(), input.scalar_type()),
                       statistics, statistics});
}

/// native_group_norm_backward(grad_out, input, mean, rstd, weight, N, C, HxW, group, output_mask)
bool native_group_norm_backward(const ShapeQuery& query, OutputSpecs& out) {
  const Tensor& input = tensor_at(query, 1);
  const Tensor& weight = tensor_at(query, 4);
  const auto mask = query.arguments[9].toBoolList();
  if ((mask[1] || mask[2]) && !weight.defined()) return false;
  const OutputSpec parameter = weight.defined() ? contiguous(weight.sizes(), weight.scalar_type()) : undefined();
  return returns(
      out,
      {mask[0] ? (on_cpu(query) ? suggested_like(input) : contiguous(input.sizes(), input.scalar_type())) : undefined(),
       mask[1] ? parameter : undefined(), mask[2] ? parameter : undefined()});
}

/// _weight_norm_interface(v, g, dim) -> (w, norms)
bool weight_norm(const ShapeQuery& query, OutputSpecs& out) {
  const Tensor& g = tensor_at(query, 1);
  const ScalarType dtype = g.scalar_type();
  return returns(out, {contiguous(tensor_at(query, 0).sizes(), tensor_at(query, 0).scalar_type()),
                       contiguous(g.sizes(), at::isReducedFloatingType(dtype) ? ScalarType::Float : dtype)});
}

constexpr NamedRule kNormalizationRules[] = {
    {"native_batch_norm", native_batch_norm},
    {"_native_batch_norm_legit", native_batch_norm},
    {"_native_batch_norm_legit.out", native_batch_norm},
    {"_native_batch_norm_legit.no_stats", batch_norm_without_running},
    {"_batch_norm_with_update", batch_norm_with_update},
    {"_batch_norm_no_update", batch_norm_no_update},
    {"native_batch_norm_backward", batch_norm_backward<1, 2, 9>},
    {"batch_norm_backward", batch_norm_backward<1, 2, 9>},
    {"batch_norm_update_stats", batch_norm_update_stats},
    {"native_layer_norm", native_layer_norm},
    {"native_layer_norm_backward", native_layer_norm_backward},
    {"native_group_norm", native_group_norm},
    {"native_group_norm_backward", native_group_norm_backward},
    {"_weight_norm_interface", weight_norm},
    {"_weight_norm_interface_backward", returns_contiguous_like<1, 2>},
};

}  // namespace

RuleTable normalization_rules() {
  return kNormalizationRules;
}

}  // namespace remote::device::shapes
