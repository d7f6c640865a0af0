#include <ATen/ExpandUtils.h>
#include <ATen/native/LinearAlgebraUtils.h>

#include <algorithm>
#include <array>

#include <remote/device/checks/common.h>
#include <remote/device/checks/tables.h>
#include <remote/device/runtime.h>

namespace remote::device::checks {
namespace {

/// dot(self, tensor) and vdot
void dot(const Schema& schema, Arguments arguments) {
  const Tensor &a = tensor_at(arguments, 0), &b = tensor_at(arguments, 1);
  TORCH_CHECK(a.dim() == 1 && b.dim() == 1, "1D tensors expected, but got ", a.dim(), "D and ", b.dim(), "D tensors");
  TORCH_CHECK(a.numel() == b.numel(), "inconsistent tensor size, expected tensor [", a.numel(), "] and src [",
              b.numel(), "] to have the same number of elements, but got ", a.numel(), " and ", b.numel(),
              " elements respectively");
  are_factors<0, 1>(schema, arguments);
}

/// addmm(self, mat1, mat2, ...): self takes the product's size.
void addmm(const Schema&, Arguments arguments) {
  const Tensor &self = tensor_at(arguments, 0), &a = tensor_at(arguments, 1), &b = tensor_at(arguments, 2);
  if (a.dim() != 2 || b.dim() != 2) return;
  const std::array<int64_t, 2> product{a.size(0), b.size(1)};
  TORCH_CHECK(at::is_expandable_to(self.sizes(), product),
              "addmm: expected an input that expands to the product's size ", c10::IntArrayRef(product), ", but got ",
              self.sizes());
}

/// Products of another dtype than the factors' are CUDA's alone.
void has_dtype_of_factors(const Schema& schema, Arguments arguments) {
  TORCH_CHECK_NOT_IMPLEMENTED(
      !schema.overload_name().starts_with("dtype") || !worker_is(c10::kCPU, tensor_at(arguments, 0)), schema.name(),
      ": out_dtype is not implemented on a CPU worker; leave it out, and convert the factors with .to(...)");
}

/// mm(self, mat2): of one dtype, also where there is nothing to multiply.
void mm(const Schema& schema, Arguments arguments) {
  has_dtype_of_factors(schema, arguments);
  if (tensor_at(arguments, 0).scalar_type() == at::kBool) are_factors<0, 1>(schema, arguments);
  are_of_one_dtype<0, 1>(schema, arguments);
}

/// bmm(self, mat2)
void bmm(const Schema& schema, Arguments arguments) {
  has_dtype_of_factors(schema, arguments);
  are_factors<0, 1>(schema, arguments);
}

/// addbmm(self, batch1, batch2, ...): self takes the size of the sum of products.
void addbmm(const Schema& schema, Arguments arguments) {
  is_writable(schema, arguments);
  const Tensor &self = tensor_at(arguments, 0), &a = tensor_at(arguments, 1), &b = tensor_at(arguments, 2);
  if (a.dim() != 3 || b.dim() != 3) return;
  TORCH_CHECK(a.size(0) == b.size(0), "batch1 and batch2 must have same number of batches, got ", a.size(0), " and ",
              b.size(0));
  TORCH_CHECK(a.size(2) == b.size(1), "Incompatible matrix sizes for bmm (", a.sizes(), " and ", b.sizes(), ")");
  const std::array<int64_t, 2> product{a.size(1), b.size(2)};
  TORCH_CHECK(at::is_expandable_to(self.sizes(), product), "addbmm: expected self to expand to ",
              c10::IntArrayRef(product), ", but got ", self.sizes());
  are_factors<0, 1, 2>(schema, arguments);
}

/// addr(self, vec1, vec2, *, beta, alpha), and addr_, which is addr.out whose out is self.
void addr(const Schema& schema, Arguments arguments) {
  const Tensor &self = tensor_at(arguments, 0), &a = tensor_at(arguments, 1), &b = tensor_at(arguments, 2);
  const ScalarType dtype = c10::promoteTypes(self.scalar_type(), c10::promoteTypes(a.scalar_type(), b.scalar_type()));
  for (const size_t place : {3, 4}) {
    const c10::Scalar factor = arguments[place].toScalar();
    const std::string& name = schema.arguments()[place].name();
    TORCH_CHECK(!factor.isBoolean() || dtype == at::kBool, "Boolean ", name, " only supported for Boolean results.");
    TORCH_CHECK(!c10::isIntegralType(dtype, /*includeBool=*/true) || factor.isIntegral(/*includeBool=*/true),
                "For integral input tensors, argument ", name, " must not be a floating point number, got ", factor);
  }
  TORCH_CHECK(a.dim() == 1, "addr: Expected 1-D argument vec1, but got ", a.dim(), "-D");
  TORCH_CHECK(b.dim() == 1, "addr: Expected 1-D argument vec2, but got ", b.dim(), "-D");
  if (!schema.arguments().back().is_out() || !self.is_same(arguments.back().toTensor())) return;
  can_be_cast(dtype, self.scalar_type());
  TORCH_CHECK(self.dim() == 2, "2D tensor expected, got ", self.dim(), "D tensor for input");
  TORCH_CHECK(self.size(0) == a.size(0) && self.size(1) == b.size(0), "size mismatch, input: ", self.sizes(),
              ", v1: ", a.sizes(), ", v2: ", b.sizes());
}

/// linalg_eig(self) and alike: of square matrices
void is_square(const Schema& schema, Arguments arguments) {
  at::native::squareCheckInputs(tensor_at(arguments, 0), schema.name().c_str());
}

/// cholesky(self, upper): of nothing it is nothing.
void cholesky(const Schema& schema, Arguments arguments) {
  if (tensor_at(arguments, 0).numel() > 0) is_square(schema, arguments);
}

void matrix_exp(const Schema& schema, Arguments arguments) {
  is_square(schema, arguments);
  at::native::checkFloatingOrComplex(tensor_at(arguments, 0), "linalg.matrix_exp");
}

/// linalg_lu(A, *, pivot) and linalg_lu_factor_ex
void lu(const Schema&, Arguments arguments) {
  TORCH_CHECK(arguments[1].toBool() || !worker_is(c10::kCPU, tensor_at(arguments, 0)),
              "linalg.lu_factor: LU without pivoting is not implemented on the CPU; leave out pivot=false");
}

/// linalg_householder_product(input, tau)
void householder_product(const Schema&, Arguments arguments) {
  const Tensor &input = tensor_at(arguments, 0), &tau = tensor_at(arguments, 1);
  const auto expect = [&](bool is_so, const char* what) {
    TORCH_CHECK(is_so, "torch.linalg.householder_product: ", what, ", got input ", input.scalar_type(), " ",
                input.sizes(), " and tau ", tau.scalar_type(), " ", tau.sizes());
  };
  expect(input.dim() >= 2, "input must have at least 2 dimensions");
  expect(input.size(-2) >= input.size(-1), "input.shape[-2] must be greater than or equal to input.shape[-1]");
  expect(input.size(-1) >= tau.size(-1), "input.shape[-1] must be greater than or equal to tau.shape[-1]");
  expect(tau.sizes().slice(0, static_cast<size_t>(tau.dim()) - 1) ==
             input.sizes().slice(0, static_cast<size_t>(input.dim()) - 2),
         "expected tau to have the batch dimensions of input");
  expect(tau.scalar_type() == input.scalar_type(), "tau dtype does not match input dtype");
}

/// _fft_r2c(self, ...): of halves a CPU computes none.
void fft_r2c(const Schema& schema, Arguments arguments) {
  const Tensor& input = tensor_at(arguments, 0);
  const ScalarType dtype = input.scalar_type();
  TORCH_CHECK(c10::isFloatingType(dtype) && !(c10::isReducedFloatingType(dtype) && worker_is(c10::kCPU, input)),
              schema.name(), ": expected a floating-point dtype that the worker's Fourier transforms support, got ",
              dtype, "; convert it with .to(...)");
}

/// linalg_solve_triangular(self, B, *, upper, left, unitriangular)
void solve_triangular(const Schema& schema, Arguments arguments) {
  const Tensor &A = tensor_at(arguments, 0), &B = tensor_at(arguments, 1);
  at::native::checkFloatingOrComplex(A, schema.name().c_str());
  at::native::squareCheckInputs(A, schema.name().c_str());
  TORCH_CHECK_NOT_IMPLEMENTED(
      A.numel() == 0 || B.numel() == 0 || !c10::isReducedFloatingType(A.scalar_type()) || !worker_is(c10::kCPU, A),
      schema.name(), ": not implemented for '", A.scalar_type(),
      "' on a CPU worker; convert the tensors with .to(...)");
  const bool left = arguments[3].toBool();
  TORCH_CHECK(B.dim() >= 2 && A.size(-1) == B.size(left ? -2 : -1), schema.name(),
              ": Incompatible shapes of A and B for the equation ", left ? "AX = B" : "XA = B", " (", A.sizes(),
              " and ", B.sizes(), ")");
}

void trace(const Schema&, Arguments arguments) {
  const int64_t rank = tensor_at(arguments, 0).dim();
  TORCH_CHECK(rank == 2, "trace: expected a matrix, but got tensor with dim ", rank);
}

/// linalg_cross(self, other, *, dim)
void cross(const Schema& schema, Arguments arguments) {
  are_factors<0, 1>(schema, arguments);
  outs_are_apart<0, 1>(schema, arguments);
}

/// ormqr(self, input2, input3, left, transpose): A, tau and the matrix to multiply
void ormqr(const Schema& schema, Arguments arguments) {
  const Tensor &input = tensor_at(arguments, 0), &tau = tensor_at(arguments, 1), &other = tensor_at(arguments, 2);
  TORCH_CHECK(input.dim() >= 2, "torch.ormqr: input must have at least 2 dimensions, got ", input.sizes());
  TORCH_CHECK(other.dim() >= 2, "torch.ormqr: other must have at least 2 dimensions, got ", other.sizes());
  const int64_t side = arguments[3].toBool() ? -2 : -1, most = std::min(other.size(side), input.size(-1));
  TORCH_CHECK(tau.dim() == input.dim() - 1 && tau.size(-1) == most,
              "torch.ormqr: tau.shape[-1] must be equal to min(other.shape[", side, "], input.shape[-1]), ", most,
              ", but got ", tau.sizes());
  TORCH_CHECK(other.size(side) == input.size(-2), "torch.ormqr: other.shape[", side,
              "] must be equal to input.shape[-2], got ", other.sizes(), " and ", input.sizes());
  TORCH_CHECK(other.dim() == input.dim(),
              "torch.ormqr: Expected other to have the same number of dimensions as input, got ", other.sizes(),
              " and ", input.sizes());
  are_of_one_dtype<0, 1, 2>(schema, arguments);
}

/// _linalg_svd(A, full_matrices, compute_uv, *, driver)
void svd(const Schema&, Arguments arguments) {
  TORCH_CHECK(arguments[3].isNone() || !worker_is(c10::kCPU, tensor_at(arguments, 0)),
              "linalg.svd: keyword argument `driver=` is only supported on CUDA inputs with cuSOLVER backend; leave it "
              "out on a CPU worker");
}

/// linalg_lstsq(self, b, rcond, *, driver)
void lstsq(const Schema& schema, Arguments arguments) {
  const Tensor &a = tensor_at(arguments, 0), &b = tensor_at(arguments, 1);
  TORCH_CHECK(a.dim() >= 2 && b.dim() >= 1 && a.dim() >= b.dim() && a.dim() - b.dim() <= 1,
              "torch.linalg.lstsq: input.dim() must be at least 2, and greater or equal to other.dim() by at most 1, "
              "got ",
              a.sizes(), " and ", b.sizes());
  are_of_one_dtype<0, 1>(schema, arguments);
  const bool is_vector = b.dim() == 1 || b.sizes() == a.sizes().slice(0, static_cast<size_t>(a.dim()) - 1);
  TORCH_CHECK(is_vector || a.dim() > b.dim() || a.size(-2) == b.size(-2),
              "torch.linalg.lstsq: input.size(-2) should match other.size(-2), got ", a.sizes(), " and ", b.sizes());
  TORCH_CHECK(!is_vector || a.size(-2) == b.size(-1),
              "torch.linalg.lstsq: input.size(-2) should match other.size(-1), got ", a.sizes(), " and ", b.sizes());
  if (!worker_is(c10::kCPU, a)) return;
  const ScalarType dtype = a.scalar_type();
  TORCH_CHECK(!c10::isIntegralType(dtype, /*includeBool=*/true) && !c10::isReducedFloatingType(dtype),
              "torch.linalg.lstsq: This function doesn't handle types other than float and double, got ", dtype);
  if (arguments[3].isNone()) return;
  constexpr std::string_view kDrivers[] = {"gels", "gelsy", "gelsd", "gelss"};
  const std::string_view driver = arguments[3].toStringView();
  TORCH_CHECK(std::ranges::find(kDrivers, driver) != std::end(kDrivers),
              "torch.linalg.lstsq: parameter `driver` should be one of (gels, gelsy, gelsd, gelss), got ", driver);
}

/// renorm(self, p, dim, maxnorm)
void renorm(const Schema& schema, Arguments arguments) {
  is_writable(schema, arguments);
  at::native::checkFloatingOrComplex(tensor_at(arguments, 0), "linalg.vector_norm");
  (void)at::maybe_wrap_dim(arguments[2].toInt(), tensor_at(arguments, 0).dim());
}

constexpr NamedCheck kLinearAlgebraChecks[] = {
    {"mm", mm},
    {"bmm", bmm},
    {"baddbmm", are_factors<1, 2>},
    {"dot", dot},
    {"vdot", dot},
    {"addmm", addmm},
    {"addmv", are_of_one_dtype<0, 1, 2>},
    {"addbmm", addbmm},
    {"addbmm_", addbmm},
    {"renorm", renorm},
    {"renorm_", renorm},
    {"trace", trace},
    {"addr", addr},
    {"linalg_cross", cross},
    {"ormqr", ormqr},
    {"_linalg_svd", svd},
    {"linalg_lstsq", lstsq},
    {"cholesky", cholesky},
    {"cholesky_inverse", is_square},
    {"linalg_eig", is_square},
    {"_linalg_eigvals", is_square},
    {"linalg_householder_product", householder_product},
    {"linalg_lu", lu},
    {"linalg_lu_factor_ex", lu},
    {"linalg_matrix_exp", matrix_exp},
    {"_fft_r2c", fft_r2c},
    {"linalg_solve_triangular", solve_triangular},
};

}  // namespace

CheckTable linear_algebra_checks() {
  return kLinearAlgebraChecks;
}

}  // namespace remote::device::checks
