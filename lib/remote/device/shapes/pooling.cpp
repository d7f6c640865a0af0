#include <c10/core/Contiguity.h>

#include <remote/device/shapes/common.h>
#include <remote/device/shapes/tables.h>

namespace remote::device::shapes {
namespace {

/// The leading (batch and channel) sizes of `input` followed by `spatial`.
Dims with_spatial(IntArrayRef input, IntArrayRef spatial) {
  TORCH_CHECK(input.size() > spatial.size(), "pooling: expected an input with more than ", spatial.size(),
              " dimensions, got ", input);
  Dims sizes(input.begin(), input.end() - static_cast<std::ptrdiff_t>(spatial.size()));
  sizes.append(spatial.begin(), spatial.end());
  return sizes;
}

/// Number of windows along one dimension, as at::native::pooling_output_shape counts them.
int64_t window_count(int64_t size, int64_t kernel, int64_t padding, int64_t stride, int64_t dilation, bool ceil_mode) {
  TORCH_CHECK(stride > 0, "stride should not be zero");
  const int64_t span = size + 2 * padding - dilation * (kernel - 1) - 1 + (ceil_mode ? stride - 1 : 0);
  int64_t count = (span >= 0 ? span / stride : -((-span + stride - 1) / stride)) + 1;
  // The last window has to start inside the input or its left padding.
  if (ceil_mode && (count - 1) * stride >= size + padding) --count;
  return count;
}

/// _adaptive_avg_pool2d(self, output_size)
bool adaptive_avg_pool2d(const ShapeQuery& query, OutputSpecs& out) {
  const Tensor& self = tensor_at(query, 0);
  return returns(out, {formatted(with_spatial(self.sizes(), ints_at(query, 1, 2)), self.scalar_type(),
                                 self.suggest_memory_format())});
}

/// _adaptive_avg_pool3d(self, output_size): always row-major.
bool adaptive_avg_pool3d(const ShapeQuery& query, OutputSpecs& out) {
  const Tensor& self = tensor_at(query, 0);
  return returns(out, {contiguous(with_spatial(self.sizes(), ints_at(query, 1, 3)), self.scalar_type())});
}

/// A volume with or without a batch dimension, in channels_last_3d where `self` has it. A volume without batch is
/// computed as a batch of one, and has the format only where it is dense in it.
OutputSpec volume(const Tensor& self, IntArrayRef sizes, ScalarType dtype) {
  if (self.dim() == 5) return formatted(sizes, dtype, self.suggest_memory_format());
  Dims batch_sizes{1}, batch_strides{0}, out_sizes{1};
  batch_sizes.append(self.sizes().begin(), self.sizes().end());
  batch_strides.append(self.strides().begin(), self.strides().end());
  out_sizes.append(sizes.begin(), sizes.end());
  const bool channels_last =
      !self.is_contiguous() && c10::_compute_channels_last_contiguous_3d<int64_t>(batch_sizes, batch_strides);
  const OutputSpec batch =
      formatted(out_sizes, dtype, channels_last ? at::MemoryFormat::ChannelsLast3d : at::MemoryFormat::Contiguous);
  return strided(sizes, IntArrayRef(batch.strides).slice(1), dtype);
}

/// max_pool3d_with_indices(self, kernel_size, stride, padding, dilation, ceil_mode) -> (output, indices)
bool max_pool3d_with_indices(const ShapeQuery& query, OutputSpecs& out) {
  const Tensor& self = tensor_at(query, 0);
  if (self.dim() != 4 && self.dim() != 5) return false;
  const Dims kernel = ints_at(query, 1, 3);
  const Dims stride = ints_at(query, 2).empty() ? kernel : ints_at(query, 2, 3);
  const Dims padding = ints_at(query, 3, 3);
  const Dims dilation = ints_at(query, 4, 3);
  Dims spatial;
  for (size_t i = 0; i < 3; ++i) {
    spatial.push_back(window_count(self.size(static_cast<int64_t>(i) - 3), kernel[i], padding[i], stride[i],
                                   dilation[i], bool_at(query, 5)));
  }
  const Dims sizes = with_spatial(self.sizes(), spatial);
  return returns(out, {volume(self, sizes, self.scalar_type()), volume(self, sizes, ScalarType::Long)});
}

/// max_pool3d_with_indices_backward(grad_output, self, ...)
bool max_pool3d_backward(const ShapeQuery& query, OutputSpecs& out) {
  const Tensor& self = tensor_at(query, 1);
  return returns(out, {volume(self, self.sizes(), self.scalar_type())});
}

/// max_unpool2d(self, indices, output_size)
bool max_unpool2d(const ShapeQuery& query, OutputSpecs& out) {
  const Tensor& self = tensor_at(query, 0);
  const Dims sizes = with_spatial(self.sizes(), ints_at(query, 2, 2));
  const bool keeps_format = on_cpu(query);
  return returns(out, {formatted(sizes, self.scalar_type(),
                                 keeps_format ? self.suggest_memory_format() : at::MemoryFormat::Contiguous)});
}

/// max_unpool3d(self, indices, output_size, stride, padding)
bool max_unpool3d(const ShapeQuery& query, OutputSpecs& out) {
  const Tensor& self = tensor_at(query, 0);
  return returns(out, {contiguous(with_spatial(self.sizes(), ints_at(query, 2, 3)), self.scalar_type())});
}

constexpr NamedRule kPoolingRules[] = {
    {"_adaptive_avg_pool2d", adaptive_avg_pool2d},
    {"_adaptive_avg_pool2d_backward", returns_suggested_like<1>},
    {"_adaptive_avg_pool3d", adaptive_avg_pool3d},
    {"_adaptive_avg_pool3d_backward", returns_contiguous_like<1>},
    {"max_pool3d_with_indices", max_pool3d_with_indices},
    {"max_pool3d_with_indices_backward", max_pool3d_backward},
    {"fractional_max_pool3d_backward", returns_contiguous_like<1>},
    {"max_unpool2d", max_unpool2d},
    {"max_unpool3d", max_unpool3d},
};

}  // namespace

RuleTable pooling_rules() {
  return kPoolingRules;
}

}  // namespace remote::device::shapes
