#include <ATen/native/TypeProperties.h>

#include <remote/device/shapes/common.h>
#include <remote/device/shapes/tables.h>

// A list op returns, for each element of its first list, what the ordinary op returns for it.
namespace remote::device::shapes {
namespace {

ScalarType same(ScalarType dtype) {
  return dtype;
}

ScalarType promoted_with(const Tensor& tensor, const c10::Scalar& scalar) {
  at::native::ResultTypeState state = at::native::update_result_type_state(tensor, {});
  return at::native::result_type(at::native::update_result_type_state(scalar, state));
}

/// (self)
template <ScalarType (*kDtype)(ScalarType)>
bool unary(const ShapeQuery& query, OutputSpecs& out) {
  for (const Tensor& self : tensors_at(query, 0)) {
    out.push_back(elementwise({self}, kDtype(self.scalar_type())));
  }
  return true;
}

/// (self, scalar). `kAsOperand`: the kernel takes the number as a 0-dim operand.
template <ScalarType (*kDtype)(ScalarType), bool kAsOperand>
bool with_scalar(const ShapeQuery& query, OutputSpecs& out) {
  const c10::Scalar scalar = query.arguments[1].toScalar();
  for (const Tensor& self : tensors_at(query, 0)) {
    const ScalarType dtype = kDtype(promoted_with(self, scalar));
    out.push_back(kAsOperand ? elementwise({self, kNumber}, dtype) : elementwise({self}, dtype));
  }
  return true;
}

/// (self, scalars)
template <ScalarType (*kDtype)(ScalarType), bool kAsOperand>
bool with_scalars(const ShapeQuery& query, OutputSpecs& out) {
  const auto selves = tensors_at(query, 0);
  const auto scalars = query.arguments[1].toListRef();
  if (selves.size() != scalars.size()) return false;
  for (size_t i = 0; i < selves.size(); ++i) {
    const ScalarType dtype = kDtype(promoted_with(selves[i], scalars[i].toScalar()));
    out.push_back(kAsOperand ? elementwise({selves[i], kNumber}, dtype) : elementwise({selves[i]}, dtype));
  }
  return true;
}

/// (self, other)
template <ScalarType (*kDtype)(ScalarType)>
bool with_list(const ShapeQuery& query, OutputSpecs& out) {
  const auto selves = tensors_at(query, 0), others = tensors_at(query, 1);
  if (selves.size() != others.size()) return false;
  for (size_t i = 0; i < selves.size(); ++i) {
    out.push_back(elementwise({selves[i], others[i]}, kDtype(promoted({&selves[i], &others[i]}))));
  }
  return true;
}

/// (self, other), one 0-dim tensor for all
template <ScalarType (*kDtype)(ScalarType)>
bool with_tensor(const ShapeQuery& query, OutputSpecs& out) {
  const Tensor& other = tensor_at(query, 1);
  for (const Tensor& self : tensors_at(query, 0)) {
    out.push_back(elementwise({self, other}, kDtype(promoted({&self, &other}))));
  }
  return true;
}

/// (self, tensor1, tensor2, ...)
bool ternary(const ShapeQuery& query, OutputSpecs& out) {
  const auto selves = tensors_at(query, 0), first = tensors_at(query, 1), second = tensors_at(query, 2);
  if (selves.size() != first.size() || selves.size() != second.size()) return false;
  for (size_t i = 0; i < selves.size(); ++i) {
    out.push_back(elementwise({selves[i], first[i], second[i]}, promoted({&selves[i], &first[i], &second[i]})));
  }
  return true;
}

/// lerp(self, end, weight): a number does not promote.
bool lerp(const ShapeQuery& query, OutputSpecs& out) {
  const auto selves = tensors_at(query, 0), ends = tensors_at(query, 1);
  if (selves.size() != ends.size()) return false;
  for (size_t i = 0; i < selves.size(); ++i) {
    out.push_back(elementwise({selves[i], ends[i]}, selves[i].scalar_type()));
  }
  return true;
}

/// pow(self, exponent) of one number and many tensors
bool power_of_scalar(const ShapeQuery& query, OutputSpecs& out) {
  const c10::Scalar base = query.arguments[0].toScalar();
  for (const Tensor& exponent : tensors_at(query, 1)) {
    out.push_back(contiguous(exponent.sizes(), promoted_with(exponent, base)));
  }
  return true;
}

/// mm(self, mat2)
bool mm(const ShapeQuery& query, OutputSpecs& out) {
  const auto selves = tensors_at(query, 0), others = tensors_at(query, 1);
  if (selves.size() != others.size()) return false;
  for (size_t i = 0; i < selves.size(); ++i) {
    if (selves[i].dim() != 2 || others[i].dim() != 2) return false;
    out.push_back(contiguous({selves[i].size(0), others[i].size(1)}, selves[i].scalar_type()));
  }
  return true;
}

/// norm(self, ord, dtype)
bool norm(const ShapeQuery& query, OutputSpecs& out) {
  for (const Tensor& self : tensors_at(query, 0)) {
    out.push_back(contiguous({}, real(dtype_at(query, 2, self.scalar_type()))));
  }
  return true;
}

/// powsum(self, ord, dtype): of no integers, integers
bool powsum(const ShapeQuery& query, OutputSpecs& out) {
  for (const Tensor& self : tensors_at(query, 0)) {
    const ScalarType dtype = self.scalar_type();
    const ScalarType sum = c10::isIntegralType(dtype, /*includeBool=*/true) ? ScalarType::Long : dtype;
    out.push_back(contiguous({}, real(dtype_at(query, 2, sum))));
  }
  return true;
}

bool max(const ShapeQuery& query, OutputSpecs& out) {
  for (const Tensor& self : tensors_at(query, 0)) out.push_back(contiguous({}, self.scalar_type()));
  return true;
}

/// Copies of the tensors.
bool clones(const ShapeQuery& query, OutputSpecs& out) {
  for (const Tensor& self : tensors_at(query, 0)) out.push_back(dense_like(self));
  return true;
}

/// _amp_foreach_non_finite_check_and_unscale(self, found_inf, inv_scale) -> (self_out, found_inf_out)
bool unscale(const ShapeQuery& query, OutputSpecs& out) {
  // The copies of tensors with gaps keep the gaps.
  for (const Tensor& self : tensors_at(query, 0)) {
    if (!self.is_non_overlapping_and_dense()) return false;
  }
  return clones(query, out) && returns_like<1>(query, out);
}

constexpr NamedRule kForeachRules[] = {
    {"_foreach_abs", unary<real>},
    {"_foreach_acos", unary<floating>},
    {"_foreach_asin", unary<floating>},
    {"_foreach_atan", unary<floating>},
    {"_foreach_ceil", unary<same>},
    {"_foreach_cos", unary<floating>},
    {"_foreach_cosh", unary<floating>},
    {"_foreach_erf", unary<floating>},
    {"_foreach_erfc", unary<floating>},
    {"_foreach_exp", unary<floating>},
    {"_foreach_expm1", unary<floating>},
    {"_foreach_floor", unary<same>},
    {"_foreach_frac", unary<same>},
    {"_foreach_lgamma", unary<floating>},
    {"_foreach_log", unary<floating>},
    {"_foreach_log10", unary<floating>},
    {"_foreach_log1p", unary<floating>},
    {"_foreach_log2", unary<floating>},
    {"_foreach_neg", unary<same>},
    {"_foreach_reciprocal", unary<floating>},
    {"_foreach_round", unary<same>},
    {"_foreach_rsqrt", unary<floating>},
    {"_foreach_sigmoid", unary<floating>},
    {"_foreach_sign", unary<same>},
    {"_foreach_sin", unary<floating>},
    {"_foreach_sinh", unary<floating>},
    {"_foreach_sqrt", unary<floating>},
    {"_foreach_tan", unary<floating>},
    {"_foreach_tanh", unary<floating>},
    {"_foreach_trunc", unary<same>},

    {"_foreach_add.Scalar", with_scalar<same, true>},
    {"_foreach_add.ScalarList", with_scalars<same, true>},
    {"_foreach_add.List", with_list<same>},
    {"_foreach_add.Tensor", with_tensor<same>},
    {"_foreach_sub.Scalar", with_scalar<same, true>},
    {"_foreach_sub.ScalarList", with_scalars<same, true>},
    {"_foreach_sub.List", with_list<same>},
    {"_foreach_mul.Scalar", with_scalar<same, true>},
    {"_foreach_mul.ScalarList", with_scalars<same, true>},
    {"_foreach_mul.List", with_list<same>},
    {"_foreach_mul.Tensor", with_tensor<same>},
    {"_foreach_div.Scalar", with_scalar<floating, true>},
    {"_foreach_div.ScalarList", with_scalars<floating, true>},
    {"_foreach_div.List", with_list<floating>},
    {"_foreach_div.Tensor", with_tensor<floating>},
    {"_foreach_pow.Scalar", with_scalar<same, false>},
    {"_foreach_pow.ScalarList", with_scalars<same, false>},
    {"_foreach_pow.List", with_list<same>},
    {"_foreach_clamp_min.Scalar", with_scalar<same, false>},
    {"_foreach_clamp_min.ScalarList", with_scalars<same, false>},
    {"_foreach_clamp_min.List", with_list<same>},
    {"_foreach_clamp_max.Scalar", with_scalar<same, false>},
    {"_foreach_clamp_max.ScalarList", with_scalars<same, false>},
    {"_foreach_clamp_max.List", with_list<same>},
    {"_foreach_maximum.Scalar", with_scalar<same, false>},
    {"_foreach_maximum.ScalarList", with_scalars<same, false>},
    {"_foreach_maximum.List", with_list<same>},
    {"_foreach_minimum.Scalar", with_scalar<same, false>},
    {"_foreach_minimum.ScalarList", with_scalars<same, false>},
    {"_foreach_minimum.List", with_list<same>},

    {"_foreach_addcdiv.Scalar", ternary},
    {"_foreach_addcdiv.ScalarList", ternary},
    {"_foreach_addcdiv.Tensor", ternary},
    {"_foreach_addcmul.Scalar", ternary},
    {"_foreach_addcmul.ScalarList", ternary},
    {"_foreach_addcmul.Tensor", ternary},
    {"_foreach_lerp.List", ternary},
    {"_foreach_lerp.Scalar", lerp},
    {"_foreach_lerp.ScalarList", lerp},

    {"_foreach_pow.ScalarAndTensor", power_of_scalar},
    {"_foreach_mm", mm},
    {"_foreach_norm.Scalar", norm},
    {"_foreach_powsum.Scalar", powsum},
    {"_foreach_max", max},
    {"_foreach_clone", clones},
    {"_foreach_zero", clones},

    {"_amp_foreach_non_finite_check_and_unscale", unscale},
    {"_amp_update_scale", returns_like<0, 1>},
};

}  // namespace

RuleTable foreach_rules() {
  return kForeachRules;
}

}  // namespace remote::device::shapes
