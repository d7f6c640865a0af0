#include <remote/device/shapes/common.h>
#include <remote/device/shapes/tables.h>

namespace remote::device::shapes {
namespace {

ScalarType index_dtype(const ShapeQuery& query, size_t out_int32) {
  return bool_at(query, out_int32) ? ScalarType::Int : ScalarType::Long;
}

/// A position for each value: searchsorted.Tensor(sorted_sequence, self, *, out_int32, ...) and
/// bucketize.Tensor(self, boundaries, *, out_int32, ...)
template <size_t kValues>
bool positions(const ShapeQuery& query, OutputSpecs& out) {
  return returns(out, {contiguous(tensor_at(query, kValues).sizes(), index_dtype(query, 2))});
}

/// The position of a single number.
bool position(const ShapeQuery& query, OutputSpecs& out) {
  return returns(out, {contiguous({}, index_dtype(query, 2))});
}

/// (values, indices) of a selection along argument kDim; keepdim follows.
template <size_t kDim>
bool selection(const ShapeQuery& query, OutputSpecs& out) {
  const Tensor& self = tensor_at(query, 0);
  const Dims sizes = reduced_sizes(self.sizes(), {int_at(query, kDim)}, bool_at(query, kDim + 1));
  return returns(out, {contiguous(sizes, self.scalar_type()), contiguous(sizes, ScalarType::Long)});
}

constexpr NamedRule kSortingRules[] = {
    {"searchsorted.Tensor", positions<1>},
    {"searchsorted.Scalar", position},
    {"bucketize.Tensor", positions<0>},
    {"bucketize.Scalar", position},
    {"mode", selection<1>},
    {"median.dim_values", selection<1>},
    {"nanmedian.dim_values", selection<1>},
    {"kthvalue.values", selection<2>},
};

}  // namespace

RuleTable sorting_rules() {
  return kSortingRules;
}

}  // namespace remote::device::shapes
