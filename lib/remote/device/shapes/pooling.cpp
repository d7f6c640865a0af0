#include <ATen/native/Pool.h>
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

/// Of an adaptive or inverse pooling: what lies in the windows is there.
void check_places(const char* name, const Tensor& input, size_t spatial) {
  const int64_t rank = input.dim(), windowed = static_cast<int64_t>(spatial);
  TORCH_CHECK(rank == windowed + 1 || rank == windowed + 2, name, ": Expected ", windowed + 1, "D or ", windowed + 2,
              "D tensor, but got ", input.sizes());
  for (int64_t dim = rank - windowed; dim < rank; ++dim) {
    TORCH_CHECK(input.size(dim) > 0, name,
                ": Expected input to have non-zero size for non-batch dimensions, but input has sizes ", input.sizes(),
                " with dimension ", dim, " being empty");
  }
}

/// _adaptive_avg_pool2d(self, output_size)
bool adaptive_avg_pool2d(const ShapeQuery& query, OutputSpecs& out) {
  const Tensor& self = tensor_at(query, 0);
  check_places("adaptive_avg_pool2d()", self, 2);
  return returns(out, {formatted(with_spatial(self.sizes(), ints_at(query, 1, 2)), self.scalar_type(),
                                 self.suggest_memory_format())});
}

/// _adaptive_avg_pool3d(self, output_size): always row-major.
bool adaptive_avg_pool3d(const ShapeQuery& query, OutputSpecs& out) {
  const Tensor& self = tensor_at(query, 0);
  check_places("adaptive_avg_pool3d()", self, 3);
  return returns(out, {contiguous(with_spatial(self.sizes(), ints_at(query, 1, 3)), self.scalar_type())});
}

/// _adaptive_avg_pool2d_backward(grad_output, self) and 3d
template <size_t kSpatial, ShapeRule kRule>
bool adaptive_avg_pool_backward(const ShapeQuery& query, OutputSpecs& out) {
  const Tensor& grad = tensor_at(query, 0);
  check_places(kSpatial == 2 ? "adaptive_avg_pool2d_backward()" : "adaptive_avg_pool3d_backward()", grad, kSpatial);
  return kRule(query, out);
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
  Dims from, to;
  for (size_t i = 0; i < 3; ++i) {
    from.push_back(self.size(static_cast<int64_t>(i) - 3));
    to.push_back(
        at::native::pooling_output_shape(from[i], kernel[i], padding[i], stride[i], dilation[i], bool_at(query, 5)));
  }
  const auto number = [](int64_t value) { return static_cast<int>(value); };
  at::native::pool3d_shape_check(self, self.size(-4), number(kernel[0]), number(kernel[1]), number(kernel[2]),
                                 number(stride[0]), number(stride[1]), number(stride[2]), number(padding[0]),
                                 number(padding[1]), number(padding[2]), number(dilation[0]), number(dilation[1]),
                                 number(dilation[2]), from[0], from[1], from[2], to[0], to[1], to[2],
                                 "max_pool3d_with_indices()");
  const Dims sizes = with_spatial(self.sizes(), to);
  return returns(out, {volume(self, sizes, self.scalar_type()), volume(self, sizes, ScalarType::Long)});
}

/// max_pool3d_with_indices_backward(grad_output, self, ...)
bool max_pool3d_backward(const ShapeQuery& query, OutputSpecs& out) {
  const Tensor& self = tensor_at(query, 1);
  return returns(out, {volume(self, self.sizes(), self.scalar_type())});
}

/// max_pool1d(self, kernel_size, stride, padding, dilation, ceil_mode): the kernel for inputs without gradients
bool max_pool1d(const ShapeQuery& query, OutputSpecs& out) {
  const Tensor& self = tensor_at(query, 0);
  if (self.dim() != 2 && self.dim() != 3) return false;
  const Dims kernel = ints_at(query, 1, 1);
  const Dims stride = ints_at(query, 2).empty() ? kernel : ints_at(query, 2, 1);
  const int64_t count = at::native::pooling_output_shape(self.size(-1), kernel[0], ints_at(query, 3, 1)[0], stride[0],
                                                         ints_at(query, 4, 1)[0], bool_at(query, 5));
  return returns(out, {contiguous(with_size(self.sizes(), self.dim() - 1, count), self.scalar_type())});
}

/// The places that maxima came from.
void check_indices(const char* name, const Tensor& self, const Tensor& indices) {
  TORCH_CHECK(indices.scalar_type() == ScalarType::Long, name,
              ": elements in indices should be type int64 but got: ", indices.scalar_type());
  TORCH_CHECK(self.sizes() == indices.sizes(), name, ": Expected shape of indices to be: ", self.sizes(),
              ", but got: ", indices.sizes());
}

/// max_unpool2d(self, indices, output_size)
bool max_unpool2d(const ShapeQuery& query, OutputSpecs& out) {
  const Tensor& self = tensor_at(query, 0);
  check_indices("max_unpool2d()", self, tensor_at(query, 1));
  check_places("max_unpool2d()", self, 2);
  const Dims sizes = with_spatial(self.sizes(), ints_at(query, 2, 2));
  const bool keeps_format = on_cpu(query);
  return returns(out, {formatted(sizes, self.scalar_type(),
                                 keeps_format ? self.suggest_memory_format() : at::MemoryFormat::Contiguous)});
}

/// max_unpool3d(self, indices, output_size, stride, padding)
bool max_unpool3d(const ShapeQuery& query, OutputSpecs& out) {
  const Tensor& self = tensor_at(query, 0);
  check_indices("max_unpool3d()", self, tensor_at(query, 1));
  check_places("max_unpool3d()", self, 3);
  return returns(out, {contiguous(with_spatial(self.sizes(), ints_at(query, 2, 3)), self.scalar_type())});
}

constexpr NamedRule kPoolingRules[] = {
    {"_adaptive_avg_pool2d", adaptive_avg_pool2d},
    {"_adaptive_avg_pool2d_backward", adaptive_avg_pool_backward<2, returns_suggested_like<1>>},
    {"_adaptive_avg_pool3d", adaptive_avg_pool3d},
    {"_adaptive_avg_pool3d_backward", adaptive_avg_pool_backward<3, returns_contiguous_like<1>>},
    {"max_pool1d", max_pool1d},
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
