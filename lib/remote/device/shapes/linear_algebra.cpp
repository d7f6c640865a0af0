#include <ATen/ExpandUtils.h>

#include <algorithm>

#include <remote/device/shapes/common.h>
#include <remote/device/shapes/tables.h>

namespace remote::device::shapes {
namespace {

/// Each output is made of the argument's batches of matrices, column by column.
template <size_t kLike>
bool returns_column_major_like(const ShapeQuery& query, OutputSpecs& out) {
  const Tensor& like = tensor_at(query, kLike);
  return returns(out, {column_major(like.sizes(), like.scalar_type())});
}

/// cholesky(self, upper)
bool cholesky(const ShapeQuery& query, OutputSpecs& out) {
  if (tensor_at(query, 0).numel() == 0) return returns_contiguous_like<0>(query, out);
  return returns_column_major_like<0>(query, out);
}

/// geqrf(self) -> (a, tau)
bool geqrf(const ShapeQuery& query, OutputSpecs& out) {
  const Tensor& self = tensor_at(query, 0);
  if (self.dim() < 2) return false;
  Dims tau(self.sizes().begin(), self.sizes().end() - 1);
  tau.back() = std::min(self.size(-2), self.size(-1));
  return returns(out, {column_major(self.sizes(), self.scalar_type()), contiguous(tau, self.scalar_type())});
}

Dims without_last(IntArrayRef sizes) {
  return Dims(sizes.begin(), sizes.end() - 1);
}

/// linalg_eig(self) -> (eigenvalues, eigenvectors)
bool eig(const ShapeQuery& query, OutputSpecs& out) {
  const Tensor& self = tensor_at(query, 0);
  if (self.dim() < 2) return false;
  const ScalarType dtype = c10::toComplexType(self.scalar_type());
  return returns(out, {contiguous(without_last(self.sizes()), dtype), column_major(self.sizes(), dtype)});
}

/// _linalg_eigvals(self)
bool eigvals(const ShapeQuery& query, OutputSpecs& out) {
  const Tensor& self = tensor_at(query, 0);
  if (self.dim() < 2) return false;
  return returns(out, {contiguous(without_last(self.sizes()), c10::toComplexType(self.scalar_type()))});
}

/// linalg_solve_triangular(A, B, *, upper, left, unitriangular)
bool solve_triangular(const ShapeQuery& query, OutputSpecs& out) {
  const Tensor& a = tensor_at(query, 0);
  const Tensor& b = tensor_at(query, 1);
  if (a.dim() < 2 || b.dim() < 2) return false;
  const auto batch_of = [](const Tensor& t) { return t.sizes().slice(0, static_cast<size_t>(t.dim()) - 2); };
  const at::DimVector batch = at::infer_size_dimvector(batch_of(a), batch_of(b));
  Dims sizes(batch.begin(), batch.end());
  sizes.push_back(b.size(-2));
  sizes.push_back(b.size(-1));
  // A conjugated row-major A is solved in place as its transpose, with a row-major result.
  if (a.is_conj()) return false;
  return returns(out, {column_major(sizes, a.scalar_type())});
}

/// addbmm(self, batch1, batch2, ...)
bool addbmm(const ShapeQuery& query, OutputSpecs& out) {
  const Tensor& first = tensor_at(query, 1);
  const Tensor& second = tensor_at(query, 2);
  if (first.dim() != 3 || second.dim() != 3) return false;
  return returns(out, {contiguous({first.size(1), second.size(2)}, tensor_at(query, 0).scalar_type())});
}

/// addr(self, vec1, vec2, *, beta, alpha): an elementwise kernel over a column and a row.
bool addr(const ShapeQuery& query, OutputSpecs& out) {
  const Tensor& self = tensor_at(query, 0);
  const Tensor& column = tensor_at(query, 1);
  const Tensor& row = tensor_at(query, 2);
  if (!on_cpu(query) || column.dim() != 1 || row.dim() != 1) return false;
  // Each counts as much as the others, 0-dim or not.
  const ScalarType dtype =
      c10::promoteTypes(self.scalar_type(), c10::promoteTypes(column.scalar_type(), row.scalar_type()));
  const Tensor matrix = self.expand({column.size(0), row.size(0)});
  return returns(out, {elementwise({matrix, column.unsqueeze(1), row}, dtype)});
}

/// linalg_lstsq(self, b, rcond, *, driver) -> (solution, residuals, rank, singular_values)
bool lstsq(const ShapeQuery& query, OutputSpecs& out) {
  const Tensor& a = tensor_at(query, 0);
  const Tensor& b = tensor_at(query, 1);
  if (a.dim() < 2 || b.dim() < 1) return false;
  const std::string driver = is_none(query, 3) ? (on_cpu(query) ? "gelsy" : "gels") : query.arguments[3].toStringRef();
  const int64_t rows = a.size(-2), columns = a.size(-1);
  const bool finds_rank = driver != "gels", finds_singular_values = driver == "gelsd" || driver == "gelss";
  // Whether there are residuals then depends on the rank.
  if (rows > columns && finds_singular_values) return false;

  const bool is_vector = b.dim() == 1 || (a.dim() - 1 == b.dim() && b.sizes() == a.sizes().slice(0, a.dim() - 1));
  if (!is_vector && a.dim() - 1 == b.dim()) return false;  // LibTorch takes its rows for batches
  const IntArrayRef b_batch = b.sizes().slice(0, b.dim() - (is_vector ? 1 : 2));
  const IntArrayRef a_batch = a.sizes().slice(0, a.dim() - 2);
  const at::DimVector batch = at::infer_size_dimvector(a_batch, b_batch);
  const int64_t right_sides = is_vector ? 1 : b.size(-1);
  Dims sizes(batch.begin(), batch.end());
  // The solver overwrites the right-hand sides, of which the solution is the first rows.
  sizes.append({std::max(rows, columns), right_sides});
  OutputSpec solution = column_major(sizes, a.scalar_type());
  solution.sizes[solution.sizes.size() - 2] = columns;
  if (is_vector) {
    solution.sizes.pop_back();
    solution.strides.pop_back();
  }
  const Dims none{0};
  Dims residuals = none, rank = none, singular_values = none;
  if (driver == "gels" && rows > columns) {
    residuals.assign(batch.begin(), batch.end());
    residuals.push_back(right_sides);
  }
  if (finds_rank) rank.assign(a_batch.begin(), a_batch.end());
  if (finds_singular_values) {
    singular_values.assign(a_batch.begin(), a_batch.end());
    singular_values.push_back(std::min(rows, columns));
  }
  const ScalarType dtype = real(a.scalar_type());
  return returns(out, {solution, contiguous(residuals, dtype), contiguous(rank, ScalarType::Long),
                       contiguous(singular_values, dtype)});
}

/// _int_mm(self, mat2)
bool int_mm(const ShapeQuery& query, OutputSpecs& out) {
  return returns(out, {contiguous({tensor_at(query, 0).size(0), tensor_at(query, 1).size(1)}, ScalarType::Int)});
}

/// _compute_linear_combination(input, coefficients): sums of the input's slices along its first dimension
bool linear_combination(const ShapeQuery& query, OutputSpecs& out) {
  const Tensor& input = tensor_at(query, 0);
  Dims sizes(input.sizes());
  sizes[0] = tensor_at(query, 1).size(0);
  return returns(out, {contiguous(sizes, input.scalar_type())});
}

constexpr NamedRule kLinearAlgebraRules[] = {
    {"_compute_linear_combination", linear_combination},
    {"dot", returns_scalar<0>},
    {"vdot", returns_scalar<0>},
    {"trace", returns_scalar_as<0, summed>},
    {"addbmm", addbmm},
    {"addr", addr},
    {"linalg_lstsq", lstsq},
    {"_int_mm", int_mm},
    {"cholesky", cholesky},
    {"cholesky_inverse", returns_column_major_like<0>},
    {"_cholesky_solve_helper", returns_column_major_like<0>},
    {"geqrf", geqrf},
    {"linalg_householder_product", returns_column_major_like<0>},
    {"ormqr", returns_column_major_like<2>},
    {"linalg_eig", eig},
    {"_linalg_eigvals", eigvals},
    {"linalg_matrix_exp", returns_contiguous_like<0>},
    {"linalg_solve_triangular", solve_triangular},
};

}  // namespace

RuleTable linear_algebra_rules() {
  return kLinearAlgebraRules;
}

}  // namespace remote::device::shapes
