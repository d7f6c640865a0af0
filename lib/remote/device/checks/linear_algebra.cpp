#include <ATen/ExpandUtils.h>
#include <ATen/native/LinearAlgebraUtils.h>

#include <array>

#include <remote/device/checks/common.h>
#include <remote/device/checks/tables.h>

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

void eigh(const Schema& schema, Arguments arguments) {
  at::native::checkFloatingOrComplex(tensor_at(arguments, 0), schema.name().c_str());
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

/// renorm(self, p, dim, maxnorm)
void renorm(const Schema& schema, Arguments arguments) {
  is_writable(schema, arguments);
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
    {"_linalg_eigh", eigh},
    {"linalg_solve_triangular", solve_triangular},
};

}  // namespace

CheckTable linear_algebra_checks() {
  return kLinearAlgebraChecks;
}

}  // namespace remote::device::checks
