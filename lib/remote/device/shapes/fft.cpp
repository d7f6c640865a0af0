#include <algorithm>

#include <remote/device/shapes/common.h>
#include <remote/device/shapes/tables.h>

// Layouts as MKL's kernels leave them: the transformed dimensions innermost in the order of the transform, the others
// outside in the order of the input's strides. A CUDA worker goes through several plans and is asked.
namespace remote::device::shapes {
namespace {

/// By falling stride, the same sort as LibTorch's so that ties fall alike.
template <class Iterator>
void sort_by_stride(Iterator begin, Iterator end, IntArrayRef strides) {
  std::sort(begin, end,
            [&](int64_t a, int64_t b) { return strides[static_cast<size_t>(a)] > strides[static_cast<size_t>(b)]; });
}

OutputSpec transformed(IntArrayRef strides, IntArrayRef out_sizes, IntArrayRef dims, ScalarType dtype) {
  const size_t rank = strides.size();
  Dims order;
  for (size_t dim = 0; dim < rank; ++dim) order.push_back(static_cast<int64_t>(dim));
  const auto batch_end = std::partition(
      order.begin(), order.end(), [&](int64_t dim) { return std::find(dims.begin(), dims.end(), dim) == dims.end(); });
  sort_by_stride(order.begin(), batch_end, strides);
  std::copy(dims.begin(), dims.end(), batch_end);
  OutputSpec spec = contiguous(out_sizes, dtype);
  int64_t stride = 1;
  for (size_t i = rank; i-- > 0;) {
    const auto dim = static_cast<size_t>(order[i]);
    spec.strides[dim] = stride;
    stride *= out_sizes[dim];
  }
  return spec;
}

OutputSpec complex_to_complex(const OutputSpec& self, Dims dims) {
  if (dims.empty()) return self;
  sort_by_stride(dims.begin(), dims.end(), self.strides);
  return transformed(self.strides, self.sizes, dims, self.dtype);
}

Dims wrapped_dims(const ShapeQuery& query, int64_t rank) {
  Dims dims = ints_at(query, 1);
  for (int64_t& dim : dims) dim += dim < 0 ? rank : 0;
  return dims;
}

/// _fft_c2c(self, dim, normalization, forward)
bool c2c(const ShapeQuery& query, OutputSpecs& out) {
  const Tensor& self = tensor_at(query, 0);
  const Dims dims = wrapped_dims(query, self.dim());
  if (!on_cpu(query) || self.numel() == 0) return false;
  if (dims.empty()) return returns_like<0>(query, out);
  return returns(out, {complex_to_complex(strided(self.sizes(), self.strides(), self.scalar_type()), dims)});
}

/// _fft_r2c(self, dim, normalization, onesided)
bool r2c(const ShapeQuery& query, OutputSpecs& out) {
  const Tensor& self = tensor_at(query, 0);
  Dims dims = wrapped_dims(query, self.dim());
  if (!on_cpu(query) || self.numel() == 0 || dims.empty()) return false;
  const int64_t last = dims.back();
  const Dims sizes = bool_at(query, 3) ? with_size(self.sizes(), last, self.size(last) / 2 + 1)
                                       : Dims(self.sizes().begin(), self.sizes().end());
  sort_by_stride(dims.begin(), dims.end() - 1, self.strides());
  return returns(out, {transformed(self.strides(), sizes, dims, c10::toComplexType(self.scalar_type()))});
}

/// _fft_c2r(self, dim, normalization, last_dim_size): all but the last dimension as a complex transform before it.
bool c2r(const ShapeQuery& query, OutputSpecs& out) {
  const Tensor& self = tensor_at(query, 0);
  Dims dims = wrapped_dims(query, self.dim());
  if (!on_cpu(query) || self.numel() == 0 || dims.empty()) return false;
  const int64_t last = dims.back();
  dims.pop_back();
  const OutputSpec input = complex_to_complex(strided(self.sizes(), self.strides(), self.scalar_type()), dims);
  return returns(out, {transformed(input.strides, with_size(self.sizes(), last, int_at(query, 3)), {last},
                                   real(self.scalar_type()))});
}

constexpr NamedRule kFftRules[] = {
    {"_fft_c2c", c2c},
    {"_fft_r2c", r2c},
    {"_fft_c2r", c2r},
};

}  // namespace

RuleTable fft_rules() {
  return kFftRules;
}

}  // namespace remote::device::shapes
