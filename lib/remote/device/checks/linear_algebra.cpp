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

/// addr.out(self, vec1, vec2, ...), and addr_, whose out is self.
void addr(const Schema& schema, Arguments arguments) {
  const Tensor &self = tensor_at(arguments, 0), &a = tensor_at(arguments, 1), &b = tensor_at(arguments, 2);
  if (!schema.arguments().back().is_out() || !self.is_same(arguments.back().toTensor())) return;
  if (a.dim() != 1 || b.dim() != 1) return;
  TORCH_CHECK(self.dim() == 2, "2D tensor expected, got ", self.dim(), "D tensor for input");
  TORCH_CHECK(self.size(0) == a.size(0) && self.size(1) == b.size(0), "size mismatch, input: ", self.sizes(),
              ", v1: ", a.sizes(), ", v2: ", b.sizes());
}

void matrix_exp(const Schema&, Arguments arguments) {
  at::native::checkFloatingOrComplex(tensor_at(arguments, 0), "linalg.matrix_exp");
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
  const bool left = arguments[3].toBool();
  TORCH_CHECK(B.dim() >= 2 && A.size(-1) == B.size(left ? -2 : -1), schema.name(),
              ": Incompatible shapes of A and B for the equation ", left ? "AX = B" : "XA = B", " (", A.sizes(),
              " and ", B.sizes(), ")");
}

void trace(const Schema&, Arguments arguments) {
  const int64_t rank = tensor_at(arguments, 0).dim();
  TORCH_CHECK(rank == 2, "trace: expected a matrix, but got tensor with dim ", rank);
}

/// ormqr(self, input2, input3, left, transpose): A, tau and the matrix to multiply
void ormqr(const Schema&, Arguments arguments) {
  const Tensor &input = tensor_at(arguments, 0), &tau = tensor_at(arguments, 1), &other = tensor_at(arguments, 2);
  TORCH_CHECK(input.dim() >= 2, "torch.ormqr: input must have at least 2 dimensions, got ", input.sizes());
  TORCH_CHECK(other.dim() >= 2, "torch.ormqr: other must have at least 2 dimensions, got ", other.sizes());
  const int64_t side = arguments[3].toBool() ? -2 : -1, most = std::min(other.size(side), input.size(-1));
  TORCH_CHECK(tau.dim() == input.dim() - 1 && tau.size(-1) == most,
              "torch.ormqr: tau.shape[-1] must be equal to min(other.shape[", side, "], input.shape[-1]), ", most,
              ", but got ", tau.sizes());
}

/// _linalg_svd(A, full_matrices, compute_uv, *, driver)
void svd(const Schema&, Arguments arguments) {
  TORCH_CHECK(arguments[3].isNone() || !worker_is(c10::kCPU, tensor_at(arguments, 0)),
              "linalg.svd: keyword argument `driver=` is only supported on CUDA inputs with cuSOLVER backend; leave it "
              "out on a CPU worker");
}

/// linalg_lstsq(self, b, rcond, *, driver)
void lstsq(const Schema&, Arguments arguments) {
  if (!worker_is(c10::kCPU, tensor_at(arguments, 0))) return;
  const ScalarType dtype = tensor_at(arguments, 0).scalar_type();
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
    {"mm", are_factors<0, 1>},
    {"bmm", are_factors<0, 1>},
    {"dot", dot},
    {"vdot", dot},
    {"addmm", addmm},
    {"addbmm", are_factors<0, 1, 2>},
    {"addbmm_", is_writable},
    {"renorm", renorm},
    {"renorm_", renorm},
    {"trace", trace},
    {"addr", addr},
    {"linalg_cross", outs_are_apart<0, 1>},
    {"ormqr", ormqr},
    {"_linalg_svd", svd},
    {"linalg_lstsq", lstsq},
    {"linalg_matrix_exp", matrix_exp},
    {"_fft_r2c", fft_r2c},
    {"linalg_solve_triangular", solve_triangular},
};

}  // namespace

CheckTable linear_algebra_checks() {
  return kLinearAlgebraChecks;
}

}  // namespace remote::device::checks
