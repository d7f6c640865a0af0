#include <ATen/ExpandUtils.h>
#include <ATen/native/BinaryOps.h>

#include <remote/device/checks/common.h>
#include <remote/device/checks/numbers.h>
#include <remote/device/checks/tables.h>
#include <remote/device/runtime.h>

namespace remote::device::checks {
namespace {

/// Of an op on self and other that writes into self, or into an out that is self: the two don't grow beyond it.
void fits_into_self(const Schema& schema, Arguments arguments) {
  is_writable(schema, arguments);
  if (!arguments[1].isTensor()) return;
  const Tensor &self = tensor_at(arguments, 0), &other = tensor_at(arguments, 1);
  if (!schema.name().ends_with('_') && !self.is_same(arguments.back().toTensor())) return;
  const auto broadcast = at::infer_size_dimvector(self.sizes(), other.sizes());
  TORCH_CHECK(self.sizes() == c10::IntArrayRef(broadcast), "output with shape ", self.sizes(),
              " doesn't match the broadcast shape ", c10::IntArrayRef(broadcast));
}

/// floor_divide_(self, other): what the two promote to, self can hold.
void floor_divide(const Schema& schema, Arguments arguments) {
  fits_into_self(schema, arguments);
  if (!arguments[1].isTensor()) return;
  const ScalarType result = at::result_type(tensor_at(arguments, 0), tensor_at(arguments, 1));
  can_be_cast(result, tensor_at(arguments, 0).scalar_type());
}

/// Whose results are fractions: what they are written into holds such.
void holds_fractions(const Schema& schema, Arguments arguments) {
  is_writable(schema, arguments);
  const auto out = dtype_of_out(schema, arguments);
  if (!out && !schema.name().ends_with('_')) return;
  const ScalarType dtype = out ? *out : tensor_at(arguments, 0).scalar_type();
  TORCH_CHECK(!c10::isIntegralType(dtype, /*includeBool=*/true), schema.name(),
              ": result type Float can't be cast to the desired output type ", dtype);
}

/// polygamma(n, self)
void polygamma(const Schema& schema, Arguments arguments) {
  const int64_t n = arguments[0].toInt();
  TORCH_CHECK(n >= 0, "polygamma(n, x) does not support negative n, got ", n);
  holds_fractions(schema, arguments);
}

/// mvlgamma(self, p)
void mvlgamma(const Schema& schema, Arguments arguments) {
  const int64_t p = arguments[1].toInt();
  TORCH_CHECK(p >= 1, "p has to be greater than or equal to 1, got ", p);
  holds_fractions(schema, arguments);
}

/// complex(real, imag) and polar(abs, angle)
void complex_parts(const Schema& schema, Arguments arguments) {
  const ScalarType first = tensor_at(arguments, 0).scalar_type(), second = tensor_at(arguments, 1).scalar_type();
  TORCH_CHECK(first == second, "Expected object of scalar type ", first, " but got scalar type ", second,
              " for second argument of ", schema.name(), "; convert one of them with .to(...)");
  const auto out = dtype_of_out(schema, arguments);
  TORCH_CHECK(!out || *out == c10::toComplexType(first), "Expected object of scalar type ", c10::toComplexType(first),
              " but got scalar type ", *out, " for argument 'out' of ", schema.name());
}

/// gelu(self, *, approximate) and gelu_backward(grad_output, self, *, approximate)
template <size_t kApproximate>
void gelu(const Schema& schema, Arguments arguments) {
  const std::string_view kind = arguments[kApproximate].toStringView();
  TORCH_CHECK(kind == "none" || kind == "tanh", schema.name(),
              ": approximate argument must be either none or tanh, got ", kind);
}

void relu(const Schema&, Arguments arguments) {
  TORCH_CHECK(tensor_at(arguments, 0).scalar_type() != at::kBool, "Boolean inputs not supported for relu");
}

/// hardtanh(self, min_val, max_val)
void hardtanh(const Schema&, Arguments arguments) {
  const ScalarType dtype = tensor_at(arguments, 0).scalar_type();
  TORCH_CHECK(dtype != at::kBool, "Bool inputs not supported for hardtanh");
  const auto limit_at = [&](size_t place) { return arguments[place].toScalar().toLong(); };
  TORCH_CHECK(dtype != at::kByte || (limit_at(1) >= 0 && limit_at(2) >= 0),
              "cannot do hardtanh on an unsigned type with negative limits");
}

/// rsub(self, other, alpha), of a tensor or a number
void rsub(const Schema&, Arguments arguments) {
  if (arguments[1].isTensor()) return at::native::sub_check(tensor_at(arguments, 0), arguments[1].toTensor());
  at::native::sub_check(tensor_at(arguments, 0), arguments[1].toScalar());
}

void frexp(const Schema&, Arguments arguments) {
  const ScalarType dtype = tensor_at(arguments, 0).scalar_type();
  TORCH_CHECK(c10::isFloatingType(dtype), "torch.frexp() only supports floating-point dtypes, got ", dtype);
}

/// clamp(self, min, max), clamp_min(self, min) and clamp_max(self, max), with tensors or numbers: what stays Bool has
/// no kernel, but where one tensor bounds it on one side.
void clamp(const Schema& schema, Arguments arguments) {
  size_t bounds = 0;
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (schema.arguments()[i].is_out() || arguments[i].isNone()) continue;
    const c10::IValue& argument = arguments[i];
    if (argument.isTensor()) {
      const Tensor& tensor = argument.toTensor();
      if (!tensor.defined()) continue;
      if (tensor.scalar_type() != at::kBool || tensor.numel() == 0) return;
    } else if (!argument.isBool()) {
      return;
    }
    if (i > 0) ++bounds;
  }
  const bool has_kernel = bounds < 2 && schema.overload_name().starts_with("Tensor");
  TORCH_CHECK_NOT_IMPLEMENTED(has_kernel, schema.name(),
                              ": not implemented for 'Bool'; convert the tensors with .to(...)");
}

/// abs.out(self, *, out), which takes the absolute values of complex numbers for reals, and conj_physical.out
void has_dtype_of_self(const Schema& schema, Arguments arguments) {
  const auto out = dtype_of_out(schema, arguments);
  if (!out) return;
  const ScalarType self = tensor_at(arguments, 0).scalar_type();
  const bool is_real_part =
      schema.name() == "aten::abs" && c10::isComplexType(self) && c10::canCast(c10::toRealValueType(self), *out);
  TORCH_CHECK(*out == self || is_real_part, "Found dtype ", *out, " but expected ", self,
              "; pass an out of that dtype");
}

/// fmod(self, other) and alike: a CPU divides no integers by zero. Where the client knows the divisor.
void divisor_is_not_zero(const Schema&, Arguments arguments) {
  const Tensor& self = tensor_at(arguments, 0);
  const auto is_zero = [&](const c10::IValue& divisor) {
    if (divisor.isScalar()) return divisor.toScalar().isIntegral(false) && divisor.toScalar().toLong() == 0;
    const Tensor& tensor = divisor.toTensor();
    // In the dtype that the kernel divides in: 256 is zero for Byte.
    return tensor.device().is_cpu() && tensor.dim() == 0 && c10::isIntegralType(tensor.scalar_type(), false) &&
           tensor.to(at::result_type(self, tensor)).item().equal(0);
  };
  if (self.numel() == 0 || !c10::isIntegralType(self.scalar_type(), false)) return;
  TORCH_CHECK(!worker_is(c10::kCPU, self) || !is_zero(arguments[1]), "ZeroDivisionError: ", self.scalar_type(), " ",
              self.sizes(), " divided by zero");
}

/// div(self, other, *, rounding_mode)
void divisor_of_mode_is_not_zero(const Schema& schema, Arguments arguments) {
  if (schema.overload_name() == "out_mode" && !arguments[2].isNone()) divisor_is_not_zero(schema, arguments);
}

/// linspace.out(start, end, steps, *, out) and logspace.out
void linspace(const Schema& schema, Arguments arguments) {
  const auto dtype = dtype_of_out(schema, arguments);
  const int64_t steps = arguments[2].toInt();
  if (steps == 0 || !dtype) return;
  TORCH_CHECK_NOT_IMPLEMENTED(dtype != at::kBool || steps == 1, schema.name(),
                              ": not implemented for 'Bool'; pass a dtype of numbers");
  if (!worker_is(c10::kCPU, arguments.back().toTensor())) return;
  const auto is_held = [&](size_t place) {
    if (arguments[place].isScalar()) check_number(*dtype, arguments[place].toScalar());
  };
  // A single step fills the out with one number; a fraction beyond its dtype becomes infinite.
  const bool fills_integer = schema.name() == "aten::linspace" && c10::isIntegralType(*dtype, /*includeBool=*/false);
  if (steps > 1 || fills_integer) is_held(0);
  if (steps > 1) is_held(1);
}

/// arange.start_out(start, end, step, *, out)
void arange(const Schema& schema, Arguments arguments) {
  const ScalarType dtype = arguments.back().toTensor().scalar_type();
  TORCH_CHECK_NOT_IMPLEMENTED(dtype != at::kBool && !c10::isComplexType(dtype), schema.name(),
                              ": not implemented for '", dtype, "'; pass a dtype of numbers in a row");
}

constexpr NamedCheck kElementwiseChecks[] = {
    {"complex", complex_parts},
    {"polar", complex_parts},
    {"floor_divide_", floor_divide},
    {"polygamma", polygamma},
    {"mvlgamma", mvlgamma},
    {"logical_and", fits_into_self},
    {"logical_or", fits_into_self},
    {"logical_xor", fits_into_self},
    {"logit_", holds_fractions},
    {"bitwise_and", are_bits<0, 1>},
    {"bitwise_or", are_bits<0, 1>},
    {"bitwise_xor", are_bits<0, 1>},
    {"bitwise_not", are_bits<0>},
    {"__ilshift__", is_writable},
    {"__irshift__", is_writable},
    {"relu", relu},
    {"relu_", relu},
    {"hardtanh", hardtanh},
    {"hardtanh_", hardtanh},
    {"rsub", rsub},
    {"frexp", frexp},
    {"arange", arange},
    {"linspace", linspace},
    {"logspace", linspace},
    {"abs", has_dtype_of_self},
    {"conj_physical", has_dtype_of_self},
    {"clamp", clamp},
    {"clamp_max", clamp},
    {"clamp_min", clamp},
    {"div", divisor_of_mode_is_not_zero},
    {"floor_divide", divisor_is_not_zero},
    {"fmod", divisor_is_not_zero},
    {"remainder", divisor_is_not_zero},
    {"gelu", gelu<1>},
    {"gelu_backward", gelu<2>},
};

}  // namespace

CheckTable elementwise_checks() {
  return kElementwiseChecks;
}

}  // namespace remote::device::checks
