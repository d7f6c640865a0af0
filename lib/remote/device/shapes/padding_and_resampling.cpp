#include <ATen/native/Padding.h>
#include <ATen/native/PixelShuffle.h>

#include <algorithm>

#include <remote/device/shapes/common.h>
#include <remote/device/shapes/tables.h>

namespace remote::device::shapes {
namespace {

/// What a CPU kernel that keeps the layout of images makes; those of other devices make row-major tensors.
OutputSpec laid_out_like(const ShapeQuery& query, IntArrayRef sizes) {
  const Tensor& self = tensor_at(query, 0);
  return formatted(sizes, self.scalar_type(),
                   on_cpu(query) ? self.suggest_memory_format() : at::MemoryFormat::Contiguous);
}

/// reflection_padNd(self, [left, right, top, bottom, ...]) and replication_padNd, N = kDims
template <int kDims>
bool padded(const ShapeQuery& query, OutputSpecs& out) {
  const Tensor& self = tensor_at(query, 0);
  const Dims padding = ints_at(query, 1);
  at::native::padding::check_valid_input<kDims>(self, padding);
  Dims sizes(self.sizes().begin(), self.sizes().end());
  int64_t smallest = 0, largest = 0;
  for (int i = 0; i < kDims; ++i) {
    int64_t& size = sizes[sizes.size() - 1 - i];
    size += padding[2 * i] + padding[2 * i + 1];
    smallest = std::min(smallest, size);
    largest = std::max(largest, size);
  }
  TORCH_CHECK(smallest >= 0 && largest >= 1, "padding ", IntArrayRef(padding), " leaves nothing of an input of sizes ",
              self.sizes());
  return returns(out, {laid_out_like(query, sizes)});
}

/// pixel_shuffle(self, upscale_factor): [..., C r r, H, W] to [..., C, H r, W r]
bool pixel_shuffle(const ShapeQuery& query, OutputSpecs& out) {
  const Tensor& self = tensor_at(query, 0);
  const int64_t factor = int_at(query, 1);
  at::native::check_pixel_shuffle_shapes(self, factor);
  Dims sizes(self.sizes().begin(), self.sizes().end());
  sizes[sizes.size() - 3] /= factor * factor;
  sizes[sizes.size() - 2] *= factor;
  sizes[sizes.size() - 1] *= factor;
  return returns(out, {laid_out_like(query, sizes)});
}

/// pixel_unshuffle(self, downscale_factor): the way back
bool pixel_unshuffle(const ShapeQuery& query, OutputSpecs& out) {
  const Tensor& self = tensor_at(query, 0);
  const int64_t factor = int_at(query, 1);
  at::native::check_pixel_unshuffle_shapes(self, factor);
  // A CPU's kernel copies nothing as it is.
  if (self.numel() == 0 && on_cpu(query)) return returns_suggested_like<0>(query, out);
  Dims sizes(self.sizes().begin(), self.sizes().end());
  sizes[sizes.size() - 3] *= factor * factor;
  sizes[sizes.size() - 2] /= factor;
  sizes[sizes.size() - 1] /= factor;
  return returns(out, {laid_out_like(query, sizes)});
}

/// The gradient of a padding, (grad_output, self, padding): the layout of self on CPU.
bool padding_backward(const ShapeQuery& query, OutputSpecs& out) {
  return on_cpu(query) ? returns_suggested_like<1>(query, out) : returns_contiguous_like<1>(query, out);
}

/// grid_sampler_2d(input, grid, ...), also 3d: the grid's spatial sizes.
bool grid_sampler(const ShapeQuery& query, OutputSpecs& out) {
  const Tensor& input = tensor_at(query, 0);
  const Tensor& grid = tensor_at(query, 1);
  Dims sizes{input.size(0), input.size(1)};
  for (int64_t dim = 1; dim + 1 < grid.dim(); ++dim) sizes.push_back(grid.size(dim));
  return returns(out, {contiguous(sizes, input.scalar_type())});
}

/// grid_sampler_2d_backward(grad_output, input, grid, mode, padding, align_corners, output_mask) -> (grad_input,
/// grad_grid)
bool grid_sampler_backward(const ShapeQuery& query, OutputSpecs& out) {
  const Tensor& input = tensor_at(query, 1);
  const Tensor& grid = tensor_at(query, 2);
  const auto mask = query.arguments[6].toBoolList();
  return returns(out, {mask[0] ? contiguous(input.sizes(), input.scalar_type()) : undefined(),
                       contiguous(grid.sizes(), grid.scalar_type())});
}

/// im2col(self, kernel_size, dilation, padding, stride): [N, channels x kernel, positions]
bool im2col(const ShapeQuery& query, OutputSpecs& out) {
  const Tensor& self = tensor_at(query, 0);
  if (self.dim() != 3 && self.dim() != 4) return false;
  const Dims kernel = ints_at(query, 1, 2), dilation = ints_at(query, 2, 2), padding = ints_at(query, 3, 2);
  const Dims stride = ints_at(query, 4, 2);
  int64_t positions = 1;
  for (size_t i = 0; i < 2; ++i) {
    TORCH_CHECK(stride[i] > 0, "stride should be greater than zero, but got ", IntArrayRef(stride));
    const int64_t size = self.size(static_cast<int64_t>(i) - 2);
    const int64_t count = (size + 2 * padding[i] - dilation[i] * (kernel[i] - 1) - 1) / stride[i] + 1;
    TORCH_CHECK(count > 0, "im2col: input ", self.sizes(), " with kernel_size=", IntArrayRef(kernel), " has ", count,
                " sliding blocks in dimension ", self.dim() - 2 + static_cast<int64_t>(i), ", which is too small");
    positions *= count;
  }
  Dims sizes(self.sizes().begin(), self.sizes().end() - 3);
  sizes.push_back(self.size(-3) * kernel[0] * kernel[1]);
  sizes.push_back(positions);
  return returns(out, {contiguous(sizes, self.scalar_type())});
}

/// col2im(self, output_size, kernel_size, ...): [N, channels, output size]
bool col2im(const ShapeQuery& query, OutputSpecs& out) {
  const Tensor& self = tensor_at(query, 0);
  if (self.dim() != 2 && self.dim() != 3) return false;
  const Dims output = ints_at(query, 1, 2), kernel = ints_at(query, 2, 2);
  TORCH_CHECK(kernel[0] > 0 && kernel[1] > 0, "kernel size should be greater than zero, but got ", IntArrayRef(kernel));
  Dims sizes(self.sizes().begin(), self.sizes().end() - 2);
  sizes.push_back(self.size(-2) / (kernel[0] * kernel[1]));
  sizes.append(output.begin(), output.end());
  return returns(out, {contiguous(sizes, self.scalar_type())});
}

constexpr NamedRule kPaddingAndResamplingRules[] = {
    {"pixel_shuffle", pixel_shuffle},
    {"pixel_unshuffle", pixel_unshuffle},
    {"reflection_pad2d", padded<2>},
    {"reflection_pad2d_backward", padding_backward},
    {"reflection_pad3d", padded<3>},
    {"reflection_pad3d_backward", padding_backward},
    {"replication_pad2d", padded<2>},
    {"replication_pad3d", padded<3>},
    {"replication_pad2d_backward", padding_backward},
    {"replication_pad3d_backward", padding_backward},
    {"grid_sampler_2d", grid_sampler},
    {"grid_sampler_2d_backward", grid_sampler_backward},
    {"grid_sampler_3d", grid_sampler},
    {"grid_sampler_3d_backward", grid_sampler_backward},
    {"im2col", im2col},
    {"col2im", col2im},
    {"channel_shuffle", returns_suggested_like<0>},
    {"native_channel_shuffle", returns_suggested_like<0>},
};

}  // namespace

RuleTable padding_and_resampling_rules() {
  return kPaddingAndResamplingRules;
}

}  // namespace remote::device::shapes
