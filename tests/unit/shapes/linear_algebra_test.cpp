#include "tests/unit/shapes/shape_check.h"

namespace remote::device {
namespace {

/// Symmetric positive definite matrices, in several layouts.
std::vector<at::Tensor> definite(const Ints& shape, at::ScalarType dtype = at::kFloat) {
  std::vector<at::Tensor> tensors;
  const at::Tensor plain = at::eye(shape.back(), dtype).expand(shape);
  tensors.push_back(plain);
  for (const auto& x : some_layouts(shape, dtype)) tensors.push_back(at::empty_like(x).copy_(plain));
  return tensors;
}

const std::vector<Ints> kSquares = {{4, 4}, {2, 4, 4}, {2, 3, 4, 4}, {1, 1}, {2, 1, 1}};

TEST(LinearAlgebraRules, ProductsOfVectors) {
  for (auto dtype : {at::kFloat, at::kDouble, at::kLong, at::kBFloat16, at::kComplexFloat}) {
    const at::Tensor x = filled({5}, dtype);
    check("dot", {x, x});
    check("vdot", {x, x});
  }
}

TEST(LinearAlgebraRules, TraceSums) {
  for (auto dtype : {at::kFloat, at::kDouble, at::kInt, at::kByte, at::kLong}) check("trace", {filled({3, 4}, dtype)});
}

TEST(LinearAlgebraRules, AddbmmIsRowMajor) {
  for (const auto& self : layouts({4, 5})) {
    for (const auto& batch : some_layouts({2, 4, 3})) check("addbmm", {self, batch, filled({2, 3, 5})});
  }
  check("addbmm", {filled({5}), filled({2, 4, 3}), filled({2, 3, 5})});
  check("_int_mm", {filled({32, 16}, at::kChar), filled({16, 24}, at::kChar)});
}

TEST(LinearAlgebraRules, FactorizationsAreColumnMajor) {
  for (const Ints& shape : kSquares) {
    for (auto dtype : {at::kFloat, at::kComplexDouble}) {
      for (const auto& x : definite(shape, dtype)) {
        for (bool upper : {false, true}) {
          check("cholesky_inverse", {x, upper});
        }
        check("linalg_eig", {x});
        check("_linalg_eigvals", {x});
        check("geqrf", {x});
        check("_cholesky_solve_helper", {x, x, false});
      }
    }
  }
  for (const auto& x : layouts({2, 5, 3})) check("geqrf", {x});
  for (const auto& x : layouts({2, 3, 5})) check("geqrf", {x});
}

TEST(LinearAlgebraRules, CholeskyWhereLibTorchHasIt) {
  if (!c10::Dispatcher::singleton().findSchema({"aten::cholesky", ""})) GTEST_SKIP() << "it went with LibTorch 2.14";
  for (const auto& x : definite({3, 3}, at::kFloat)) {
    for (bool upper : {false, true}) check("cholesky", {x, upper});
  }
  for (const auto& x : definite({2, 3, 3}, at::kComplexDouble)) check("cholesky", {x, false});
  check("cholesky", {at::empty({0, 0})});
  check("cholesky", {at::empty({2, 0, 0})});
}

TEST(LinearAlgebraRules, AddrIsElementwiseOverAColumnAndARow) {
  for (const auto& self : layouts({4, 5})) check("addr", {self, filled({4}), filled({5})});
  check("addr", {filled({5}), filled({4}), filled({5})});
  check("addr", {filled({1}), filled({4}), filled({5})});
  check("addr", {filled({4, 5}, at::kLong), filled({4}), filled({5}, at::kDouble)});
}

TEST(LinearAlgebraRules, LeastSquaresByEachDriver) {
  for (const Values& driver : {Values{}, Values{c10::IValue(), "gels"}, Values{c10::IValue(), "gelsy"}}) {
    for (const Ints& shape : {Ints{5, 3}, Ints{3, 5}, Ints{4, 4}, Ints{2, 5, 3}}) {
      for (const auto& a : some_layouts(shape)) {
        Ints right = shape;
        right.back() = 2;
        const auto with = [&](const at::Tensor& b) {
          Values values{a, b};
          values.insert(values.end(), driver.begin(), driver.end());
          return values;
        };
        check("linalg_lstsq", with(filled(right)));
        right.pop_back();
        check("linalg_lstsq", with(filled(right)));
      }
    }
  }
  check("linalg_lstsq", {filled({3, 5}), filled({3, 2}), c10::IValue(), "gelsd"});
  check("linalg_lstsq",
        {filled({2, 3, 5}, at::kComplexFloat), filled({2, 3, 1}, at::kComplexFloat), c10::IValue(), "gelss"});
  check_unknown("linalg_lstsq", {filled({5, 3}), filled({5, 2}), c10::IValue(), "gelsd"});
}

TEST(LinearAlgebraRules, HouseholderReflectors) {
  for (const auto& x : layouts({2, 5, 3})) {
    check("linalg_householder_product", {x, filled({2, 3})});
    check("ormqr", {x, filled({2, 3}), filled({2, 5, 4}), true, false});
  }
  for (const auto& other : layouts({2, 5, 4})) check("ormqr", {filled({2, 5, 3}), filled({2, 3}), other, true, true});
}

TEST(LinearAlgebraRules, TriangularSolvesAreColumnMajorOfTheBroadcastBatch) {
  for (const auto& a : definite({2, 4, 4})) {
    for (const auto& b : layouts({2, 4, 3})) check("linalg_solve_triangular", {a, b, true});
    for (const auto& b : layouts({4, 3})) check("linalg_solve_triangular", {a, b, false});
    for (const auto& b : layouts({2, 3, 4})) check("linalg_solve_triangular", {a, b, true, false});
  }
  check("linalg_solve_triangular", {at::eye(4), filled({2, 3, 4, 2}), true});
  check("linalg_solve_triangular", {at::eye(4), filled({4, 2}, at::kDouble), true});
}

TEST(LinearAlgebraRules, MatrixExponential) {
  for (const Ints& shape : {Ints{4, 4}, Ints{2, 4, 4}}) check("linalg_matrix_exp", {filled(shape)});
}

}  // namespace
}  // namespace remote::device
