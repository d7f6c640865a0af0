// Convolutions, pooling, padding, resampling, and normalisation over channels.
#include <ATen/native/FractionalMaxPooling.h>
#include <ATen/native/GridSamplerUtils.h>
#include <ATen/native/MaxPooling.h>
#include <ATen/native/im2col_shape_check.h>

#include <remote/device/checks/common.h>
#include <remote/device/checks/tables.h>

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

/// (input, weight, bias, running_mean, running_var, ...), or without the running statistics.
void batch_norm(const Schema& schema, Arguments arguments) {
  if (schema.overload_name().starts_with("no_stats")) return normalization<1, 2>(schema, arguments);
  normalization<1, 2, 3, 4>(schema, arguments);
}

/// col2im(self, output_size, kernel_size, dilation, padding, stride)
void col2im(const Schema&, Arguments arguments) {
  const auto pair = [&](size_t place) {
    const auto values = arguments[place].toIntVector();
    TORCH_CHECK(values.size() == 2, "col2im: expected two integers at argument ", place, ", got ", values.size());
    return std::pair(values[0], values[1]);
  };
  const auto [height, width] = pair(1);
  const auto [kernel_height, kernel_width] = pair(2);
  const auto [dilation_height, dilation_width] = pair(3);
  const auto [pad_height, pad_width] = pair(4);
  const auto [stride_height, stride_width] = pair(5);
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
    {"convolution", are_factors<0, 1>},
    {"_convolution", are_factors<0, 1>},
    {"native_batch_norm", batch_norm},
    {"_native_batch_norm_legit", batch_norm},
    {"_batch_norm_with_update", batch_norm},
    {"_batch_norm_no_update", batch_norm},
    {"native_layer_norm", normalization<2, 3>},
    {"native_group_norm", normalization<1, 2>},
    {"_adaptive_avg_pool2d", is_floating<0>},
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
