#include <ATen/Context.h>
#include <c10/core/Contiguity.h>

#include <algorithm>
#include <optional>
#include <vector>

#include <remote/device/shapes/common.h>
#include <remote/device/shapes/tables.h>

namespace remote::device::shapes {
namespace {

/// How a kernel moves over the spatial dimensions.
struct Window {
  Dims stride, padding, dilation, output_padding;
  bool transposed = false;
  int64_t groups = 1;
};

/// [batch, channels out, spatial sizes...]; `may_be_empty`: a result of no pixels is no mistake.
Dims output_sizes(IntArrayRef input, IntArrayRef weight, const Window& window, bool may_be_empty) {
  Dims sizes{input[0], window.transposed ? weight[1] * window.groups : weight[0]};
  if (input[1] == 0) sizes[1] = 0;  // as LibTorch has it
  for (size_t i = 0; i < input.size() - 2; ++i) {
    const int64_t reach = window.dilation[i] * (weight[i + 2] - 1) + 1;
    const int64_t padded = input[i + 2] + 2 * window.padding[i];
    TORCH_CHECK(window.transposed || padded >= reach, "Calculated padded input size per channel: ", padded,
                " in dimension ", i + 2, " of input ", input, ". Kernel size: ", reach,
                ". Kernel size can't be greater than actual input size");
    sizes.push_back(window.transposed ? (input[i + 2] - 1) * window.stride[i] - 2 * window.padding[i] + reach +
                                            window.output_padding[i]
                                      : (padded - reach) / window.stride[i] + 1);
    TORCH_CHECK(sizes.back() > 0 || (sizes.back() == 0 && may_be_empty) || input[1] == 0, "Given input of size ", input,
                " and weight of size ", weight, ": calculated output size ", sizes.back(), " in dimension ", i + 2,
                " is too small");
  }
  return sizes;
}

bool any_above(IntArrayRef values, int64_t limit) {
  return std::any_of(values.begin(), values.end(), [limit](int64_t value) { return value > limit; });
}

/// One image of few pixels and small filters: LibTorch's own kernel is quicker for it.
bool is_small(const Tensor& input, const Tensor& weight, const Window& window) {
  constexpr int64_t kFew = 20480;
  const bool has_large_filters = weight.dim() > 3 && weight.size(-1) > 3 && weight.size(-2) > 3;
  if (window.groups > 1 || input.size(0) > 1 || has_large_filters) return false;
  return c10::multiply_integers(input.sizes().slice(0, std::min<size_t>(4, input.sizes().size()))) <= kFew;
}

/// Whether a CPU worker takes oneDNN's kernel rather than LibTorch's own; nullopt: only the worker knows. LibTorch's
/// rule is ConvParams::use_mkldnn() in aten/src/ATen/native/Convolution.cpp.
std::optional<bool> takes_onednn(const wire::Hardware& worker, const Tensor& input, const Tensor& weight,
                                 const Window& window) {
  const ScalarType dtype = input.scalar_type();
  if (dtype != ScalarType::Float && dtype != ScalarType::BFloat16 && dtype != ScalarType::Half) return false;
  // Without oneDNN there are NNPACK and others.
  if (worker.onednn_dtypes.empty() || !at::globalContext().userEnabledMkldnn()) return std::nullopt;
  for (size_t i = 0; window.transposed && i < window.stride.size(); ++i) {
    if (window.output_padding[i] >= window.stride[i]) return false;
  }
  if (!worker.onednn_dtypes.contains(dtype)) return false;
  if (dtype == ScalarType::Float && is_small(input, weight, window)) return false;
  const bool is_pointwise = weight.size(-1) == 1 && (weight.dim() == 3 || weight.size(-2) == 1);
  if (dtype != ScalarType::Float || any_above(window.stride, 1) || any_above(window.dilation, 1) ||
      input.size(0) >= 16 || !is_pointwise) {
    return true;
  }
  if (worker.threads == 0) return std::nullopt;
  return worker.threads > 1;
}

/// One spatial dimension is computed as two, of which the first has size 1.
struct AsPlane {
  Dims sizes, strides;
  explicit AsPlane(const OutputSpec& spec) : sizes(spec.sizes), strides(spec.strides) {
    if (sizes.size() != 3) return;
    strides.insert(strides.begin() + 2, sizes[2] * strides[2]);
    sizes.insert(sizes.begin() + 2, 1);
  }
  bool suggests_channels_last() const { return c10::is_channels_last_strides_2d<int64_t>(sizes, strides); }
  bool is_channels_last() const { return c10::_compute_channels_last_contiguous_2d<int64_t>(sizes, strides); }
};

/// A result with one spatial dimension is the computed one without its dimension of size 1.
OutputSpec laid_out(IntArrayRef sizes, ScalarType dtype, at::MemoryFormat format) {
  if (sizes.size() != 3) return formatted(sizes, dtype, format);
  OutputSpec spec = formatted({sizes[0], sizes[1], 1, sizes[2]}, dtype, format);
  spec.sizes.erase(spec.sizes.begin() + 2);
  spec.strides.erase(spec.strides.begin() + 2);
  return spec;
}

/// Whether a part of a channels-last tensor, one of `groups` along `dimension`, is still taken for channels last. One
/// channel of one pixel could be read either way and is not.
bool group_is_channels_last(IntArrayRef sizes, size_t dimension, int64_t groups) {
  std::vector<int64_t> part = sizes.vec();
  part[dimension] /= groups;
  return AsPlane(laid_out(part, ScalarType::Float, at::MemoryFormat::ChannelsLast)).suggests_channels_last();
}

/// The same of a tensor that is made channels last first, where it is not: otherwise the strides of its sizes of 1
/// stay.
bool group_stays_channels_last(const OutputSpec& tensor, size_t dimension, int64_t groups) {
  AsPlane part(tensor);
  if (!part.is_channels_last()) return group_is_channels_last(tensor.sizes, dimension, groups);
  const bool is_taken_for_it = part.suggests_channels_last();
  part.sizes[dimension] /= groups;
  if (is_taken_for_it && !part.is_channels_last()) return group_is_channels_last(tensor.sizes, dimension, groups);
  return part.suggests_channels_last();
}

/// How a convolution lays out its results.
struct Layout {
  at::MemoryFormat format = at::MemoryFormat::Contiguous;
  bool own_kernel = false;  ///< LibTorch's own for CPUs, which takes the groups one by one

  /// A result that is put together from the groups' along `dimension`.
  OutputSpec result(IntArrayRef sizes, ScalarType dtype, size_t dimension, int64_t groups) const {
    const bool keeps = !own_kernel || groups == 1 || group_is_channels_last(sizes, dimension, groups);
    return laid_out(sizes, dtype, keeps ? format : at::MemoryFormat::Contiguous);
  }
};

/// Whether the worker's kernel settles layouts as oneDNN does, and cuDNN; nullopt: only the worker knows.
std::optional<bool> chosen_onednn(const ShapeQuery& query, const Tensor& input, const Tensor& weight,
                                  const Window& window) {
  return on_cpu(query) ? takes_onednn(query.worker, input, weight, window) : true;
}

/// Channels last when input or weight has it. nullopt: only the worker knows.
std::optional<Layout> choose_layout(const ShapeQuery& query, const Tensor& input, const Tensor& weight,
                                    const Window& window, std::optional<bool> onednn) {
  const bool is_volume = weight.dim() == 5;
  const bool is_double = input.scalar_type() == ScalarType::Double || weight.scalar_type() == ScalarType::Double;
  if (is_double && (is_volume || !on_cpu(query))) return Layout{};
  const auto as_is = [](const Tensor& tensor) {
    return strided(tensor.sizes(), tensor.strides(), tensor.scalar_type());
  };
  // One line is made contiguous first, where it is not; the weight is taken as it comes.
  const bool is_rewritten = weight.dim() == 3 && !input.is_contiguous();
  const OutputSpec input_layout = is_rewritten ? contiguous(input.sizes(), input.scalar_type()) : as_is(input);
  const bool is_channels_last = weight.dim() == 3 ? AsPlane(input_layout).suggests_channels_last() ||
                                                        AsPlane(as_is(weight)).suggests_channels_last()
                                                  : input.suggest_memory_format() != at::MemoryFormat::Contiguous ||
                                                        weight.suggest_memory_format() != at::MemoryFormat::Contiguous;
  if (!is_channels_last) return Layout{};
  if (!onednn) return std::nullopt;
  if (is_volume) return *onednn ? Layout{at::MemoryFormat::ChannelsLast3d} : Layout{};
  const bool groups_are_not = !*onednn && window.groups > 1 &&
                              !group_stays_channels_last(input_layout, 1, window.groups) &&
                              !group_stays_channels_last(as_is(weight), 0, window.groups);
  return groups_are_not ? Layout{} : Layout{at::MemoryFormat::ChannelsLast, !*onednn};
}

Window window_at(const ShapeQuery& query, size_t first, size_t spatial) {
  Window window;
  window.stride = ints_at(query, first, spatial);
  window.padding = ints_at(query, first + 1, spatial);
  window.dilation = ints_at(query, first + 2, spatial);
  window.transposed = bool_at(query, first + 3);
  window.output_padding = ints_at(query, first + 4, spatial);
  window.groups = int_at(query, first + 5);
  return window;
}

void check_window(const ShapeQuery& query, const Window& window) {
  const bool asks_kernel = on_cpu(query) && tensor_at(query, 0).numel() > 0;
  const auto least = [](const Dims& values) { return *std::min_element(values.begin(), values.end()); };
  TORCH_CHECK(!window.transposed || least(window.output_padding) >= 0,
              "negative output_padding is not supported: output_padding=", IntArrayRef(window.output_padding));
  TORCH_CHECK(least(window.padding) >= 0, "negative padding is not supported: padding=", IntArrayRef(window.padding));
  TORCH_CHECK(least(window.stride) > 0, "non-positive stride is not supported: stride=", IntArrayRef(window.stride));
  TORCH_CHECK(least(window.dilation) > 0,
              "dilation should be greater than zero: dilation=", IntArrayRef(window.dilation));
  TORCH_CHECK(window.groups > 0, "expected groups to be greater than 0, but got groups=", window.groups);
  for (size_t i = 0; window.transposed && asks_kernel && i < window.stride.size(); ++i) {
    TORCH_CHECK(window.output_padding[i] < std::max(window.stride[i], window.dilation[i]),
                "output padding must be smaller than either stride or dilation, but got output_padding=",
                window.output_padding[i], ", stride=", window.stride[i], ", dilation=", window.dilation[i]);
  }
}

void check_weight(const Tensor& input, const Tensor& weight, const Tensor& bias, const Window& window) {
  TORCH_CHECK(weight.size(0) >= window.groups, "Given groups=", window.groups, ", expected weight to be at least ",
              window.groups, " at dimension 0, but got weight of size ", weight.sizes(), " instead");
  TORCH_CHECK(weight.size(0) % window.groups == 0, "Given groups=", window.groups,
              ", expected weight to be divisible by ", window.groups, " at dimension 0, but got weight of size ",
              weight.sizes(), " instead");
  const int64_t channels_out = window.transposed ? weight.size(1) * window.groups : weight.size(0);
  TORCH_CHECK(!bias.defined() || (bias.dim() == 1 && bias.size(0) == channels_out), "Given weight of size ",
              weight.sizes(), ", expected bias to be 1-dimensional with ", channels_out,
              " elements, but got bias of size ", bias.sizes(), " instead");
  TORCH_CHECK(input.dim() == weight.dim(), "Expected ", weight.dim(), "D input to a convolution with weight ",
              weight.sizes(), ", but got input of size: ", input.sizes());
  const int64_t expected = window.transposed ? weight.size(0) : weight.size(1) * window.groups;
  TORCH_CHECK(input.size(1) == expected, "Given groups=", window.groups, ", transposed=", window.transposed,
              ", weight of size ", weight.sizes(), ", expected input", input.sizes(), " to have ", expected,
              " channels, but got ", input.size(1), " channels instead");
}

/// The gradient of a weight. LibTorch's own kernel leaves a weight as it is that could be read either way (1x1 filters,
/// one channel); oneDNN and cuDNN settle it.
OutputSpec weight_gradient(const Tensor& weight, const Layout& layout, int64_t groups) {
  const OutputSpec own = strided(weight.sizes(), weight.strides(), weight.scalar_type());
  if (!layout.own_kernel || !AsPlane(own).is_channels_last()) {
    return layout.result(weight.sizes(), weight.scalar_type(), 0, groups);
  }
  if (groups == 1) return own;
  AsPlane part(own);
  part.sizes[0] /= groups;
  return laid_out(weight.sizes(), weight.scalar_type(),
                  part.suggests_channels_last() ? layout.format : at::MemoryFormat::Contiguous);
}

/// convolution(input, weight, bias, stride, padding, dilation, transposed, output_padding, groups)
bool convolution(const ShapeQuery& query, OutputSpecs& out) {
  const Tensor& input = tensor_at(query, 0);
  const Tensor& weight = tensor_at(query, 1);
  if (weight.dim() < 3 || weight.dim() > 5) return false;
  const Window window = window_at(query, 3, static_cast<size_t>(weight.dim()) - 2);
  check_window(query, window);
  check_weight(input, weight, tensor_at(query, 2), window);
  if (input.numel() == 0) {
    const Dims sizes = output_sizes(input.sizes(), weight.sizes(), window, /*may_be_empty=*/true);
    return returns(out, {contiguous(sizes, input.scalar_type())});
  }
  TORCH_CHECK(weight.numel() > 0 || !on_cpu(query), "kernel size should be greater than zero, but got weight of size ",
              weight.sizes());
  const std::optional<bool> onednn = chosen_onednn(query, input, weight, window);
  const bool is_onednn_on_cpu = on_cpu(query) && onednn == true;
  const Tensor& bias = tensor_at(query, 2);
  TORCH_CHECK(!is_onednn_on_cpu || !bias.defined() || bias.scalar_type() == input.scalar_type(), "Input type (",
              input.scalar_type(), ") and bias type (", bias.scalar_type(),
              ") should be the same; convert one of them with .to(...)");
  const Dims sizes = output_sizes(input.sizes(), weight.sizes(), window, /*may_be_empty=*/is_onednn_on_cpu);
  const auto layout = choose_layout(query, input, weight, window, onednn);
  return layout && returns(out, {layout->result(sizes, input.scalar_type(), 1, window.groups)});
}

/// convolution_backward(grad_output, input, weight, bias_sizes, stride, padding, dilation, transposed, output_padding,
/// groups, output_mask) -> (grad_input, grad_weight, grad_bias)
bool convolution_backward(const ShapeQuery& query, OutputSpecs& out) {
  const Tensor& input = tensor_at(query, 1);
  const Tensor& weight = tensor_at(query, 2);
  if (weight.dim() < 3 || weight.dim() > 5) return false;
  const Window window = window_at(query, 4, static_cast<size_t>(weight.dim()) - 2);
  const auto mask = query.arguments[10].toBoolList();
  const ScalarType dtype = weight.scalar_type();
  const int64_t channels_out = window.transposed ? weight.size(1) * window.groups : weight.size(0);
  const OutputSpec grad_bias = contiguous({channels_out}, dtype);
  if (input.numel() == 0) {
    return returns(out, {mask[0] ? dense_like(input) : undefined(), mask[1] ? dense_like(weight) : undefined(),
                         mask[2] ? grad_bias : undefined()});
  }
  const auto layout = choose_layout(query, input, weight, window, chosen_onednn(query, input, weight, window));
  if (!layout) return false;
  return returns(out, {mask[0] ? layout->result(input.sizes(), input.scalar_type(), 1, window.groups) : undefined(),
                       mask[1] ? weight_gradient(weight, *layout, window.groups) : undefined(),
                       mask[2] ? grad_bias : undefined()});
}

constexpr NamedRule kConvolutionRules[] = {
    {"convolution", convolution},
    {"_convolution", convolution},
    {"convolution_backward", convolution_backward},
};

}  // namespace

RuleTable convolution_rules() {
  return kConvolutionRules;
}

}  // namespace remote::device::shapes
