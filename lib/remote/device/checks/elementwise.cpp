#include <ATen/native/BinaryOps.h>

#include <remote/device/checks/common.h>
#include <remote/device/checks/tables.h>

namespace remote::device::checks {
namespace {

/// complex(real, imag) and polar(abs, angle)
void complex_parts(const Schema& schema, Arguments arguments) {
  const ScalarType first = tensor_at(arguments, 0).scalar_type(), second = tensor_at(arguments, 1).scalar_type();
  TORCH_CHECK(first == second, "Expected object of scalar type ", first, " but got scalar type ", second,
              " for second argument of ", schema.name(), "; convert one of them with .to(...)");
  if (!schema.arguments().back().is_out()) return;
  const ScalarType out = arguments.back().toTensor().scalar_type();
  TORCH_CHECK(out == c10::toComplexType(first), "Expected object of scalar type ", c10::toComplexType(first),
              " but got scalar type ", out, " for argument 'out' of ", schema.name());
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

/// arange.start_out(start, end, step, *, out)
void arange(const Schema& schema, Arguments arguments) {
  const ScalarType dtype = arguments.back().toTensor().scalar_type();
  TORCH_CHECK_NOT_IMPLEMENTED(dtype != at::kBool && !c10::isComplexType(dtype), schema.name(),
                              ": not implemented for '", dtype, "'; pass a dtype of numbers in a row");
}

constexpr NamedCheck kElementwiseChecks[] = {
    {"complex", complex_parts},
    {"polar", complex_parts},
    {"floor_divide_", is_writable},
    {"logit_", is_writable},
    {"bitwise_and", are_bits<0, 1>},
    {"bitwise_or", are_bits<0, 1>},
    {"bitwise_xor", are_bits<0, 1>},
    {"bitwise_not", are_bits<0>},
    {"relu", relu},
    {"relu_", relu},
    {"hardtanh", hardtanh},
    {"hardtanh_", hardtanh},
    {"rsub", rsub},
    {"frexp", frexp},
    {"arange", arange},
    {"gelu", gelu<1>},
    {"gelu_backward", gelu<2>},
};

}  // namespace

CheckTable elementwise_checks() {
  return kElementwiseChecks;
}

}  // namespace remote::device::checks
