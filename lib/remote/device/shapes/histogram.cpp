#include <remote/device/shapes/common.h>
#include <remote/device/shapes/tables.h>

namespace remote::device::shapes {
namespace {

/// histc(self, bins, min, max)
bool histc(const ShapeQuery& query, OutputSpecs& out) {
  return returns(out, {contiguous({int_at(query, 1)}, tensor_at(query, 0).scalar_type())});
}

bool histogram_of(const ShapeQuery& query, OutputSpecs& out, int64_t bins) {
  const ScalarType dtype = tensor_at(query, 0).scalar_type();
  return returns(out, {contiguous({bins}, dtype), contiguous({bins + 1}, dtype)});
}

/// histogram.bin_ct(self, bins, ...) -> (hist, bin_edges)
bool histogram_with_count(const ShapeQuery& query, OutputSpecs& out) {
  return histogram_of(query, out, int_at(query, 1));
}

/// histogram.bins_tensor(self, bins, ...)
bool histogram_with_edges(const ShapeQuery& query, OutputSpecs& out) {
  return histogram_of(query, out, tensor_at(query, 1).numel() - 1);
}

/// _histogramdd_bin_edges(self, bins, ...) -> the edges along each dimension
bool bin_edges(const ShapeQuery& query, OutputSpecs& out) {
  for (int64_t bins : ints_at(query, 1)) out.push_back(contiguous({bins + 1}, tensor_at(query, 0).scalar_type()));
  return true;
}

/// _histogramdd_from_bin_cts(self, bins, ...)
bool histogramdd_with_counts(const ShapeQuery& query, OutputSpecs& out) {
  return returns(out, {contiguous(ints_at(query, 1), tensor_at(query, 0).scalar_type())});
}

/// _histogramdd_from_bin_tensors(self, bins, ...)
bool histogramdd_with_edges(const ShapeQuery& query, OutputSpecs& out) {
  Dims sizes;
  for (const Tensor& edges : tensors_at(query, 1)) sizes.push_back(edges.numel() - 1);
  return returns(out, {contiguous(sizes, tensor_at(query, 0).scalar_type())});
}

constexpr NamedRule kHistogramRules[] = {
    {"histc", histc},
    {"histogram.bin_ct", histogram_with_count},
    {"histogram.bins_tensor", histogram_with_edges},
    {"_histogramdd_bin_edges", bin_edges},
    {"_histogramdd_from_bin_cts", histogramdd_with_counts},
    {"_histogramdd_from_bin_tensors", histogramdd_with_edges},
};

}  // namespace

RuleTable histogram_rules() {
  return kHistogramRules;
}

}  // namespace remote::device::shapes
