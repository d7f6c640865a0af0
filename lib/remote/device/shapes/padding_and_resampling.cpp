#include <remote/device/shapes/common.h>
#include <remote/device/shapes/tables.h>

namespace remote::device::shapes {
namespace {

/// reflection_pad2d(self, [left, right, top, bottom])
bool reflection_pad2d(const ShapeQuery& query, OutputSpecs& out) {
  const Tensor& self = tensor_at(query, 0);
  const Dims padding = ints_at(query, 1, 4);
  Dims sizes(self.sizes().begin(), self.sizes().end());
  if (sizes.size() < 3) return false;
  sizes[sizes.size() - 1] += padding[0] + padding[1];
  sizes[sizes.size() - 2] += padding[2] + padding[3];
  return returns(out, {formatted(sizes, self.scalar_type(),
                                 on_cpu(query) ? self.suggest_memory_format() : at::MemoryFormat::Contiguous)});
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
    {"reflection_pad2d", reflection_pad2d},
    {"reflection_pad2d_backward", padding_backward},
    {"replication_pad2d_backward", padding_backward},
    {"replication_pad3d_backward", padding_backward},
    {"grid_sampler_2d", grid_sampler},
    {"grid_sampler_2d_backward", grid_sampler_backward},
    {"grid_sampler_3d", grid_sampler},
    {"grid_sampler_3d_backward", grid_sampler_backward},
    {"im2col", im2col},
    {"col2im", col2im},
    {"channel_shuffle", returns_suggested_like<0>},
};

}  // namespace

RuleTable padding_and_resampling_rules() {
  return kPaddingAndResamplingRules;
}

}  // namespace remote::device::shapes
