#include <remote/device/shapes/common.h>
#include <remote/device/shapes/tables.h>

namespace remote::device::shapes {
namespace {

// Kernels that allocate with empty_like and those that leave it to TensorIterator differ for operands that overlap or
// have gaps, and in the strides of dimensions of size 1: which op is which was read from LibTorch, and is held by the
// tests.

/// log_sigmoid_forward(self) -> (output, buffer)
bool log_sigmoid_forward(const ShapeQuery& query, OutputSpecs& out) {
  const Tensor& self = tensor_at(query, 0);
  if (on_cpu(query)) return returns_contiguous_like<0, 0>(query, out);
  return returns(out, {elementwise({self}, self.scalar_type()), contiguous({0}, self.scalar_type())});
}

/// log_sigmoid_backward(grad_output, self, buffer)
bool log_sigmoid_backward(const ShapeQuery& query, OutputSpecs& out) {
  if (on_cpu(query)) return returns_like<0>(query, out);
  return returns_elementwise<0, 1>(query, out);
}

/// angle(self): real for complex numbers, which a CPU worker computes into new memory; else a floating dtype.
bool angle(const ShapeQuery& query, OutputSpecs& out) {
  const Tensor& self = tensor_at(query, 0);
  if (self.is_complex() && on_cpu(query)) return returns(out, {contiguous(self.sizes(), real(self.scalar_type()))});
  return returns(out, {elementwise({self}, real(floating(self.scalar_type())))});
}

/// where(condition, self, other), also with an out argument.
bool where(const ShapeQuery& query, OutputSpecs& out) {
  const Tensor& self = tensor_at(query, 1);
  const Tensor& other = tensor_at(query, 2);
  const ScalarType dtype = promoted({&self, &other});
  return returns(
      out,
      {elementwise({converted(tensor_at(query, 0), ScalarType::Bool), converted(self, dtype), converted(other, dtype)},
                   dtype)});
}

/// _prelu_kernel_backward(grad_output, self, weight) -> (grad_self, grad_weight), both of the broadcast shape.
bool prelu_backward(const ShapeQuery& query, OutputSpecs& out) {
  const Tensor& self = tensor_at(query, 1);
  const OutputSpec grad = elementwise({self, tensor_at(query, 2), tensor_at(query, 0)}, self.scalar_type());
  return returns(out, {grad, grad});
}

/// fake_quantize_per_tensor_affine_cachemask(self, ...) -> (output, mask)
bool fake_quantize(const ShapeQuery& query, OutputSpecs& out) {
  const Tensor& self = tensor_at(query, 0);
  return returns(out, {dense_like(self), dense_like(self, ScalarType::Bool)});
}

/// An out variant whose dtype is the out argument's.
template <size_t kOut, size_t... kOperand>
bool fills(const ShapeQuery& query, OutputSpecs& out) {
  return returns(out, {elementwise({tensor_at(query, kOperand)...}, tensor_at(query, kOut).scalar_type())});
}

/// frexp(self, *, mantissa, exponent)
bool frexp_out(const ShapeQuery& query, OutputSpecs& out) {
  const Tensor& self = tensor_at(query, 0);
  return returns(out, {elementwise({self}, self.scalar_type()), elementwise({self}, ScalarType::Int)});
}

/// remainder.Scalar_Tensor(self, other)
bool remainder_of_number(const ShapeQuery& query, OutputSpecs& out) {
  const Tensor& other = tensor_at(query, 1);
  return returns(out, {elementwise({other}, at::result_type(query.arguments[0].toScalar(), other))});
}

constexpr NamedRule kElementwiseRules[] = {
    {"relu", returns_elementwise<0>},
    {"nan_to_num.out", returns_elementwise<0>},
    {"frexp.Tensor_out", frexp_out},
    {"__lshift__.Tensor", returns_elementwise<0, 1>},
    {"__lshift__.Scalar", returns_elementwise<0>},
    {"__rshift__.Tensor", returns_elementwise<0, 1>},
    {"__rshift__.Scalar", returns_elementwise<0>},
    {"hardtanh", returns_like<0>},
    {"hardtanh_backward", returns_elementwise<0, 1>},
    {"hardswish", returns_elementwise<0>},
    {"hardswish_backward", returns_elementwise<0, 1>},
    {"glu_backward", returns_contiguous_like<1>},
    {"silu_backward", returns_elementwise<0, 1>},
    {"mish_backward", returns_elementwise<0, 1>},
    {"log_sigmoid_forward", log_sigmoid_forward},
    {"log_sigmoid_backward", log_sigmoid_backward},
    {"isnan", returns_elementwise_as<boolean, 0>},
    {"logit", returns_elementwise_as<floating, 0>},
    {"angle", angle},
    {"_prelu_kernel", returns_like<0>},
    {"_prelu_kernel_backward", prelu_backward},
    {"rsub.Tensor", returns_elementwise<1, 0>},
    {"floor_divide", returns_elementwise<0, 1>},
    {"where.self", where},
    {"fake_quantize_per_tensor_affine_cachemask", fake_quantize},
    {"fake_quantize_per_channel_affine_cachemask", fake_quantize},
    {"_add_relu.Tensor", returns_elementwise<0, 1>},
    {"remainder.Scalar_Tensor", remainder_of_number},

    // Out variants that composite code calls with an empty out, and that have no Meta kernel of their own.
    {"abs.out", fills<1, 0>},
    {"conj_physical.out", fills<1, 0>},
    {"logical_not.out", fills<1, 0>},
    {"logical_and.out", fills<2, 0, 1>},
    {"logical_or.out", fills<2, 0, 1>},
    {"logical_xor.out", fills<2, 0, 1>},
    {"complex.out", fills<2, 0, 1>},
    {"polar.out", fills<2, 0, 1>},
    {"where.self_out", where},
};

}  // namespace

RuleTable elementwise_rules() {
  return kElementwiseRules;
}

}  // namespace remote::device::shapes
