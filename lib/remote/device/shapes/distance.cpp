#include <ATen/ExpandUtils.h>

#include <remote/device/shapes/common.h>
#include <remote/device/shapes/tables.h>

namespace remote::device::shapes {
namespace {

/// The broadcast batch sizes of two stacks of points, [..., points, features].
Dims batch_of(const Tensor& x1, const Tensor& x2) {
  const auto batch = [](const Tensor& x) { return x.sizes().slice(0, static_cast<size_t>(x.dim()) - 2); };
  const at::DimVector sizes = at::infer_size_dimvector(batch(x1), batch(x2));
  return Dims(sizes.begin(), sizes.end());
}

/// _cdist_forward(x1, x2, p, compute_mode)
bool cdist(const ShapeQuery& query, OutputSpecs& out) {
  const Tensor& x1 = tensor_at(query, 0);
  const Tensor& x2 = tensor_at(query, 1);
  if (x1.dim() < 2 || x2.dim() < 2) return false;
  Dims sizes = batch_of(x1, x2);
  sizes.push_back(x1.size(-2));
  sizes.push_back(x2.size(-2));
  return returns(out, {contiguous(sizes, x1.scalar_type())});
}

/// _cdist_backward(grad, x1, x2, p, cdist): the gradient of x1
bool cdist_backward(const ShapeQuery& query, OutputSpecs& out) {
  const Tensor& x1 = tensor_at(query, 1);
  const Tensor& x2 = tensor_at(query, 2);
  if (x1.dim() < 2 || x2.dim() < 2) return false;
  Dims sizes = batch_of(x1, x2);
  sizes.push_back(x1.size(-2));
  sizes.push_back(x1.size(-1));
  const bool is_empty = x2.size(-2) == 0 || c10::multiply_integers(sizes) == 0;
  if (is_empty) return returns_contiguous_like<1>(query, out);
  return returns(out, {contiguous(sizes, x1.scalar_type())});
}

/// _pdist_forward(self, p): every pair of rows once
bool pdist(const ShapeQuery& query, OutputSpecs& out) {
  const Tensor& self = tensor_at(query, 0);
  const int64_t rows = self.size(0);
  return returns(out, {contiguous({rows <= 1 ? 0 : rows * (rows - 1) / 2}, self.scalar_type())});
}

constexpr NamedRule kDistanceRules[] = {
    {"_cdist_forward", cdist},
    {"_cdist_backward", cdist_backward},
    {"_pdist_forward", pdist},
    {"_pdist_backward", returns_contiguous_like<1>},
};

}  // namespace

RuleTable distance_rules() {
  return kDistanceRules;
}

}  // namespace remote::device::shapes
