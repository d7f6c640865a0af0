#include <ATen/WrapDimUtils.h>
#include <ATen/WrapDimUtilsMulti.h>

#include <remote/device/shapes/common.h>
#include <remote/device/shapes/tables.h>

namespace remote::device::shapes {
namespace {

/// index_select(self, dim, index)
bool index_select(const ShapeQuery& query, OutputSpecs& out) {
  const Tensor& self = tensor_at(query, 0);
  return returns(
      out, {contiguous(with_size(self.sizes(), int_at(query, 1), tensor_at(query, 2).numel()), self.scalar_type())});
}

/// take(self, index)
bool take(const ShapeQuery& query, OutputSpecs& out) {
  return returns(out, {contiguous(tensor_at(query, 1).sizes(), tensor_at(query, 0).scalar_type())});
}

/// The format that at::cat gives the halves of `spec`, cut before `start`.
at::MemoryFormat format_of_halves(const OutputSpec& spec, int64_t dim, int64_t start) {
  const auto is = [&](auto is_channels_last) {
    const int64_t size = spec.sizes[static_cast<size_t>(dim)];
    return is_channels_last(with_size(spec.sizes, dim, size - start)) &&
           is_channels_last(with_size(spec.sizes, dim, start));
  };
  if (is([&](const Dims& sizes) { return c10::is_channels_last_strides_2d<int64_t>(sizes, spec.strides); })) {
    return at::MemoryFormat::ChannelsLast;
  }
  if (is([&](const Dims& sizes) { return c10::is_channels_last_strides_3d<int64_t>(sizes, spec.strides); })) {
    return at::MemoryFormat::ChannelsLast3d;
  }
  return at::MemoryFormat::Contiguous;
}

/// roll(self, shifts, dims): on CPU one concatenation for each dimension.
bool roll(const ShapeQuery& query, OutputSpecs& out) {
  const Tensor& self = tensor_at(query, 0);
  const Dims shifts = ints_at(query, 1);
  const Dims dims = ints_at(query, 2);
  TORCH_CHECK(!shifts.empty(), "`shifts` required");
  if (dims.empty() || !on_cpu(query)) return self.numel() != 0 && returns_contiguous_like<0>(query, out);
  TORCH_CHECK(shifts.size() == dims.size(), "shifts and dimensions must align. shifts: ", shifts.size(),
              ", dims:", dims.size());
  if (self.numel() == 0) return returns_like<0>(query, out);
  OutputSpec spec = strided(self.sizes(), self.strides(), self.scalar_type());
  for (size_t i = 0; i < dims.size(); ++i) {
    const int64_t dim = at::maybe_wrap_dim(dims[i], self.dim());
    const int64_t size = self.size(dim);
    const int64_t start = ((size - shifts[i]) % size + size) % size;
    spec = formatted(spec.sizes, spec.dtype, format_of_halves(spec, dim, start));
  }
  return returns(out, {spec});
}

/// isin.Scalar_Tensor(element, test_elements, ...), and into an out
bool is_number_in(const ShapeQuery&, OutputSpecs& out) {
  return returns(out, {contiguous({}, ScalarType::Bool)});
}

/// flip(self, dims)
bool flip(const ShapeQuery& query, OutputSpecs& out) {
  (void)at::dim_list_to_bitset(ints_at(query, 1), static_cast<size_t>(tensor_at(query, 0).dim()));
  return returns_like<0>(query, out);
}

/// nonzero_static(self, *, size, fill_value)
bool nonzero_static(const ShapeQuery& query, OutputSpecs& out) {
  return returns(out, {contiguous({int_at(query, 1), tensor_at(query, 0).dim()}, ScalarType::Long)});
}

/// unfold_backward(grad_in, input_sizes, dim, size, step)
bool unfold_backward(const ShapeQuery& query, OutputSpecs& out) {
  return returns(out, {contiguous(ints_at(query, 1), tensor_at(query, 0).scalar_type())});
}

/// repeat_interleave.Tensor(repeats, output_size): known when the caller says it.
bool repeat_interleave(const ShapeQuery& query, OutputSpecs& out) {
  if (is_none(query, 1)) return false;
  return returns(out, {contiguous({int_at(query, 1)}, tensor_at(query, 0).scalar_type())});
}

/// segment_reduce(data, reduce, *, lengths, indices, offsets, axis, ...)
bool segment_reduce(const ShapeQuery& query, OutputSpecs& out) {
  const Tensor& data = tensor_at(query, 0);
  const Tensor& lengths = tensor_at(query, 2);
  const Tensor& offsets = tensor_at(query, 4);
  if (!lengths.defined() && !offsets.defined()) return false;
  const int64_t axis = at::maybe_wrap_dim(int_at(query, 5), data.dim());
  const int64_t segments = offsets.defined() ? offsets.size(axis) - 1 : lengths.size(axis);
  return returns(out, {contiguous(with_size(data.sizes(), axis, segments), data.scalar_type())});
}

constexpr NamedRule kIndexingRules[] = {
    {"index_select", index_select},
    {"take", take},
    {"flip", flip},
    {"isin.Scalar_Tensor", is_number_in},
    {"isin.Scalar_Tensor_out", is_number_in},
    {"roll", roll},
    {"nonzero_static", nonzero_static},
    {"unfold_backward", unfold_backward},
    {"repeat_interleave.Tensor", repeat_interleave},
    {"segment_reduce", segment_reduce},
    {"_segment_reduce_backward", returns_contiguous_like<2>},
};

}  // namespace

RuleTable indexing_rules() {
  return kIndexingRules;
}

}  // namespace remote::device::shapes
