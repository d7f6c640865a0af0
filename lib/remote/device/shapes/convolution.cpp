#include <c10/core/Contiguity.h>

#include <algorithm>

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

/// [batch, channels out, spatial sizes...]
Dims output_sizes(IntArrayRef input, IntArrayRef weight, const Window& window) {
  Dims sizes{input[0], window.transposed ? weight[1] * window.groups : weight[0]};
  for (size_t i = 0; i < input.size() - 2; ++i) {
    TORCH_CHECK(window.stride[i] > 0, "non-positive stride is not supported: stride=", IntArrayRef(window.stride));
    const int64_t reach = window.dilation[i] * (weight[i + 2] - 1) + 1;
    const int64_t padded = input[i + 2] + 2 * window.padding[i];
    TORCH_CHECK(window.transposed || padded >= reach, "Calculated padded input size per channel: ", padded,
                " in dimension ", i + 2, " of input ", input, ". Kernel size: ", reach,
                ". Kernel size can't be greater than actual input size");
    sizes.push_back(window.transposed ? (input[i + 2] - 1) * window.stride[i] - 2 * window.padding[i] + reach +
                                            window.output_padding[i]
                                      : (padded - reach) / window.stride[i] + 1);
    TORCH_CHECK(sizes.back() > 0, "Given input of size ", input, " and weight of size ", weight,
                ": calculated output size ", sizes.back(), " in dimension ", i + 2, " is too small");
  }
  return sizes;
}

bool any_above(IntArrayRef values, int64_t limit) {
  return std::any_of(values.begin(), values.end(), [limit](int64_t value) { return value > limit; });
}

/// Whether oneDNN's kernel runs on any CPU worker: its use depends on the instruction set for half types, and on the
/// number of threads for 1x1 filters. Only that kernel keeps channels_last_3d.
bool surely_runs_on_onednn(const Tensor& input, const Tensor& weight, const Window& window) {
  if (input.scalar_type() != ScalarType::Float) return false;
  for (size_t i = 0; window.transposed && i < window.stride.size(); ++i) {
    if (window.output_padding[i] >= window.stride[i]) return false;
  }
  return any_above(window.stride, 1) || any_above(window.dilation, 1) || input.size(0) >= 16 || weight.size(-1) != 1 ||
         weight.size(-2) != 1;
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

/// The layout of activations and gradients: channels last when input or weight has it. False: only the worker knows.
bool choose_format(const ShapeQuery& query, const Tensor& input, const Tensor& weight, const Window& window,
                   at::MemoryFormat& format) {
  format = at::MemoryFormat::Contiguous;
  const bool is_volume = weight.dim() == 5;
  const bool is_double = input.scalar_type() == ScalarType::Double || weight.scalar_type() == ScalarType::Double;
  if (is_double && (is_volume || !on_cpu(query))) return true;
  const bool is_channels_last =
      weight.dim() == 3
          // The one line is made contiguous first; the weight is taken as it comes.
          ? AsPlane(contiguous(input.sizes(), input.scalar_type())).suggests_channels_last() ||
                AsPlane(strided(weight.sizes(), weight.strides(), weight.scalar_type())).suggests_channels_last()
          : input.suggest_memory_format() != format || weight.suggest_memory_format() != format;
  if (!is_channels_last) return true;
  if (on_cpu(query) && is_volume && !surely_runs_on_onednn(input, weight, window)) return false;
  format = is_volume ? at::MemoryFormat::ChannelsLast3d : at::MemoryFormat::ChannelsLast;
  return true;
}

/// A result with one spatial dimension is the computed one without its dimension of size 1.
OutputSpec laid_out(IntArrayRef sizes, ScalarType dtype, at::MemoryFormat format) {
  if (sizes.size() != 3) return formatted(sizes, dtype, format);
  OutputSpec spec = formatted({sizes[0], sizes[1], 1, sizes[2]}, dtype, format);
  spec.sizes.erase(spec.sizes.begin() + 2);
  spec.strides.erase(spec.strides.begin() + 2);
  return spec;
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

void check_channels(const Tensor& input, const Tensor& weight, const Window& window) {
  TORCH_CHECK(input.dim() == weight.dim(), "Expected ", weight.dim(), "D input to a convolution with weight ",
              weight.sizes(), ", but got input of size: ", input.sizes());
  const int64_t expected = window.transposed ? weight.size(0) : weight.size(1) * window.groups;
  TORCH_CHECK(input.size(1) == expected, "Given groups=", window.groups, ", transposed=", window.transposed,
              ", weight of size ", weight.sizes(), ", expected input", input.sizes(), " to have ", expected,
              " channels, but got ", input.size(1), " channels instead");
}

/// The gradient of a weight whose activations have `format`. LibTorch's own kernel, which Double goes through on a CPU,
/// leaves a weight as it is that could be read either way (1x1 filters, one channel); oneDNN and cuDNN settle it.
OutputSpec weight_gradient(const ShapeQuery& query, const Tensor& weight, at::MemoryFormat format) {
  if (format == at::MemoryFormat::ChannelsLast && on_cpu(query) && weight.scalar_type() == ScalarType::Double) {
    const OutputSpec own = strided(weight.sizes(), weight.strides(), weight.scalar_type());
    if (AsPlane(own).is_channels_last()) return own;
  }
  return laid_out(weight.sizes(), weight.scalar_type(), format);
}

/// convolution(input, weight, bias, stride, padding, dilation, transposed, output_padding, groups)
bool convolution(const ShapeQuery& query, OutputSpecs& out) {
  const Tensor& input = tensor_at(query, 0);
  const Tensor& weight = tensor_at(query, 1);
  if (weight.dim() < 3 || weight.dim() > 5) return false;
  const Window window = window_at(query, 3, static_cast<size_t>(weight.dim()) - 2);
  check_channels(input, weight, window);
  const Dims sizes = output_sizes(input.sizes(), weight.sizes(), window);
  at::MemoryFormat format{};
  if (input.numel() == 0) return returns(out, {contiguous(sizes, input.scalar_type())});
  if (!choose_format(query, input, weight, window, format)) return false;
  return returns(out, {laid_out(sizes, input.scalar_type(), format)});
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
  at::MemoryFormat format{};
  if (!choose_format(query, input, weight, window, format)) return false;
  return returns(out,
                 {mask[0] ? laid_out(input.sizes(), input.scalar_type(), format) : undefined(),
                  mask[1] ? weight_gradient(query, weight, format) : undefined(), mask[2] ? grad_bias : undefined()});
}

constexpr NamedRule kConvolutionRules[] = {
    {"convolution", convolution},
    {"convolution_backward", convolution_backward},
};

}  // namespace

RuleTable convolution_rules() {
  return kConvolutionRules;
}

}  // namespace remote::device::shapes
