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

constexpr NamedCheck kElementwiseChecks[] = {
    {"complex", complex_parts},
    {"polar", complex_parts},
    {"floor_divide_", is_writable},
    {"logit_", is_writable},
    {"bitwise_and", are_bits<0, 1>},
    {"bitwise_or", are_bits<0, 1>},
    {"bitwise_xor", are_bits<0, 1>},
    {"bitwise_not", are_bits<0>},
    {"_softmax", is_floating<0>},
    {"_log_softmax", is_floating<0>},
    {"gelu", gelu<1>},
    {"gelu_backward", gelu<2>},
};

}  // namespace

CheckTable elementwise_checks() {
  return kElementwiseChecks;
}

}  // namespace remote::device::checks
