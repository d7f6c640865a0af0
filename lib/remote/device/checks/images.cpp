// Convolutions, pooling, padding, resampling, and normalisation over channels.
#include <ATen/native/FractionalMaxPooling.h>
#include <ATen/native/GridSamplerUtils.h>
#include <ATen/native/MaxPooling.h>
#include <ATen/native/im2col_shape_check.h>

#include <algorithm>
#include <utility>

#include <remote/device/checks/common.h>
#include <remote/device/checks/tables.h>
#include <remote/device/runtime.h>

namespace remote::device::checks {
namespace {

/// Weight, bias and running statistics, where they are tensors, have the dtype of the input, or are Float beside
/// halves.
template <size_t... kParameters>
void normalization(const Schema& schema, Arguments arguments) {
  const ScalarType dtype = tensor_at(arguments, 0).scalar_type();
  for (const size_t place : {kParameters...}) {
    const Tensor& tensor = tensor_at(arguments, place);
    const bool wider = c10::isReducedFloatingType(dtype) && tensor.defined() && tensor.scalar_type() == at::kFloat;
    TORCH_CHECK(!tensor.defined() || tensor.scalar_type() == dtype || wider, schema.name(), ": expected ",
                schema.arguments()[place].name(), " to have the dtype of the input, ", dtype, ", but got ",
                tensor.scalar_type(), "; convert it with .to(...)");
  }
}

/// native_group_norm(input, weight, bias, N, C, HxW, group, eps)
void group_norm(const Schema& schema, Arguments arguments) {
  const Tensor& input = tensor_at(arguments, 0);
  const int64_t batch = arguments[3].toInt(), channels = arguments[4].toInt(), pixels = arguments[5].toInt();
  const int64_t groups = arguments[6].toInt();
  TORCH_CHECK(groups > 0, "Expected num groups to be greater than 0, got ", groups);
  TORCH_CHECK(channels % groups == 0, "Expected number of channels in input to be divisible by num_groups, but got ",
              channels, " channels and num_groups=", groups);
  for (const size_t place : {1, 2}) {
    const Tensor& parameter = tensor_at(arguments, place);
    TORCH_CHECK(!parameter.defined() || (parameter.dim() == 1 && parameter.numel() == channels), "Expected ",
                schema.arguments()[place].name(),
                " to be a vector of size equal to the number of channels in input, but got one of sizes ",
                parameter.sizes(), " and ", channels, " channels");
  }
  TORCH_CHECK(input.numel() == batch * channels * pixels, schema.name(), ": expected an input of N * C * HxW = ", batch,
              " * ", channels, " * ", pixels, " elements, but got one of sizes ", input.sizes());
  TORCH_CHECK(!worker_is(c10::kCPU, input) || input.is_contiguous(input.suggest_memory_format()), schema.name(),
              ": expected a contiguous or channels-last input, but got strides ", input.strides(),
              "; call .contiguous()");
  normalization<1, 2>(schema, arguments);
}

/// convolution(input, weight, bias, stride, padding, dilation, transposed, ...)
void convolution(const Schema& schema, Arguments arguments) {
  are_factors<0, 1>(schema, arguments);
  const Tensor& input = tensor_at(arguments, 0);
  const ScalarType dtype = input.scalar_type();
  if (!c10::isIntegralType(dtype, /*includeBool=*/false) || dtype == at::kLong || input.numel() == 0) return;
  const auto dilation = arguments[5].toDimVector();
  const bool is_plain = !arguments[6].toBool() && std::ranges::all_of(dilation, [](int64_t step) { return step == 1; });
  TORCH_CHECK_NOT_IMPLEMENTED(is_plain || !worker_is(c10::kCPU, input), schema.name(), ": not implemented for '", dtype,
                              "' on a CPU worker where it is transposed or dilated; convert the tensors with .to(...)");
}

/// (input, weight, bias, running_mean, running_var, ...), or without the running statistics.
void batch_norm(const Schema& schema, Arguments arguments) {
  if (schema.overload_name().starts_with("no_stats")) return normalization<1, 2>(schema, arguments);
  for (const size_t place : {3, 4}) {
    const Tensor& statistic = tensor_at(arguments, place);
    TORCH_CHECK(!statistic.defined() || statistic.dim() == 1, schema.name(), ": expected ",
                schema.arguments()[place].name(), " to have one dimension, but got one of sizes ", statistic.sizes());
  }
  normalization<1, 2, 3, 4>(schema, arguments);
}

std::pair<int64_t, int64_t> pair_at(const Schema& schema, Arguments arguments, size_t place) {
  const auto values = arguments[place].toDimVector();
  TORCH_CHECK(values.size() == 2, schema.name(), ": expected two integers for ", schema.arguments()[place].name(),
              ", got ", values.size());
  return {values[0], values[1]};
}

/// im2col(self, kernel_size, dilation, padding, stride)
void im2col(const Schema& schema, Arguments arguments) {
  const auto [kernel_height, kernel_width] = pair_at(schema, arguments, 1);
  const auto [dilation_height, dilation_width] = pair_at(schema, arguments, 2);
  const auto [pad_height, pad_width] = pair_at(schema, arguments, 3);
  const auto [stride_height, stride_width] = pair_at(schema, arguments, 4);
  at::native::im2col_shape_check(tensor_at(arguments, 0), Tensor(), kernel_height, kernel_width, dilation_height,
                                 dilation_width, pad_height, pad_width, stride_height, stride_width);
}

/// col2im(self, output_size, kernel_size, dilation, padding, stride)
void col2im(const Schema& schema, Arguments arguments) {
  const auto [height, width] = pair_at(schema, arguments, 1);
  const auto [kernel_height, kernel_width] = pair_at(schema, arguments, 2);
  const auto [dilation_height, dilation_width] = pair_at(schema, arguments, 3);
  const auto [pad_height, pad_width] = pair_at(schema, arguments, 4);
  const auto [stride_height, stride_width] = pair_at(schema, arguments, 5);
  at::native::col2im_shape_check(tensor_at(arguments, 0), Tensor(), height, width, kernel_height, kernel_width,
                                 dilation_height, dilation_width, pad_height, pad_width, stride_height, stride_width);
}

/// grid_sampler_2d(input, grid, ...) and grid_sampler_3d
void grid_sampler(const Schema& schema, Arguments arguments) {
  at::native::check_grid_sampler_common(tensor_at(arguments, 0), tensor_at(arguments, 1));
  are_factors<0, 1>(schema, arguments);
  if (schema.name() == "aten::grid_sampler_3d") {
    at::native::check_grid_sampler_3d(tensor_at(arguments, 0), tensor_at(arguments, 1), arguments[2].toInt());
  }
}

/// fractional_max_poolNd(self, kernel_size, output_size, random_samples)
template <int64_t kSpatial>
void fractional_max_pool(const Schema&, Arguments arguments) {
  at::native::fractional_max_pool_check_shape<kSpatial>(tensor_at(arguments, 0), tensor_at(arguments, 3));
}

/// max_pool1d(self, kernel_size, stride, padding, dilation, ceil_mode)
void max_pool1d(const Schema&, Arguments arguments) {
  const Tensor& input = tensor_at(arguments, 0);
  at::native::check_max_pool1d(input, arguments[1].toIntVector(), arguments[2].toIntVector(),
                               arguments[3].toIntVector(), arguments[4].toIntVector(), arguments[5].toBool());
  const int64_t rank = input.dim();
  const bool has_planes = input.size(rank - 1) > 0 && input.size(rank - 2) > 0;
  TORCH_CHECK(has_planes,
              "max_pool1d: Expected 2D or 3D (batch mode) tensor with optional 0 dim batch size for input, "
              "but got:",
              input.sizes());
}

/// channel_shuffle(self, groups)
void channel_shuffle(const Schema& schema, Arguments arguments) {
  const Tensor& input = tensor_at(arguments, 0);
  const int64_t groups = arguments[1].toInt();
  TORCH_CHECK(groups > 0, schema.name(), ": Number of groups to divide channels in must be positive, got ", groups);
  TORCH_CHECK(input.dim() > 2, schema.name(), " expects input with > 2 dims, but got input with sizes ", input.sizes());
  TORCH_CHECK(input.size(1) % groups == 0, schema.name(), ": Number of channels must be divisible by groups, got ",
              input.size(1), " channels and ", groups, " groups");
}

/// reflection_padNd(self, padding): no more than there is to reflect.
void reflection_pad(const Schema& schema, Arguments arguments) {
  const Tensor& input = tensor_at(arguments, 0);
  const auto padding = arguments[1].toIntVector();
  for (size_t i = 0; i < padding.size() && static_cast<int64_t>(i / 2) < input.dim(); ++i) {
    const int64_t dim = input.dim() - 1 - static_cast<int64_t>(i / 2);
    TORCH_CHECK(padding[i] < input.size(dim), schema.name(),
                ": Padding size should be less than the corresponding input dimension, but got: padding ", padding[i],
                " at dimension ", dim, " of input ", input.sizes());
  }
}

constexpr NamedCheck kImagesChecks[] = {
    {"convolution", convolution},
    {"_convolution", convolution},
    {"native_batch_norm", batch_norm},
    {"_native_batch_norm_legit", batch_norm},
    {"_batch_norm_with_update", batch_norm},
    {"_batch_norm_no_update", batch_norm},
    {"native_layer_norm", normalization<2, 3>},
    {"native_group_norm", group_norm},
    {"_adaptive_avg_pool2d", is_floating<0>},
    {"im2col", im2col},
    {"col2im", col2im},
    {"fractional_max_pool2d", fractional_max_pool<2>},
    {"fractional_max_pool3d", fractional_max_pool<3>},
    {"max_pool1d", max_pool1d},
    {"max_unpool2d", is_not_deterministic},
    {"max_unpool3d", is_not_deterministic},
    {"channel_shuffle", channel_shuffle},
    {"native_channel_shuffle", channel_shuffle},
    {"grid_sampler_2d", grid_sampler},
    {"grid_sampler_3d", grid_sampler},
    {"reflection_pad1d", reflection_pad},
    {"reflection_pad2d", reflection_pad},
    {"reflection_pad3d", reflection_pad},
};

}  // namespace

CheckTable images_checks() {
  return kImagesChecks;
}

}  // namespace remote::device::checks
