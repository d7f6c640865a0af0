#include <remote/device/checks/numbers.h>

#include <ATen/Dispatch_v2.h>
#include <ATen/core/stack.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

#include <remote/device/meta_kernel.h>

namespace remote::device {
namespace {

constexpr std::string_view kOps[] = {
    "aten::add",        "aten::addbmm",   "aten::addcdiv",   "aten::addcmul",   "aten::addmm",     "aten::addmv",
    "aten::addr",       "aten::baddbmm",  "aten::clamp",     "aten::clamp_max", "aten::clamp_min", "aten::fmod",
    "aten::hardshrink", "aten::hardtanh", "aten::histc",     "aten::logit",     "aten::pow",       "aten::remainder",
    "aten::rsub",       "aten::sub",      "aten::threshold",
};

/// Whether a number lies outside of what a dtype holds. Infinities and NaN, which floating-point dtypes hold, don't.
bool is_beyond(at::ScalarType dtype, const at::Scalar& number) {
  if (number.isComplex() || number.isBoolean()) return false;
  const double value = number.toDouble();
  return AT_DISPATCH_V2(dtype, "is_beyond", AT_WRAP([&] {
                          using Limits = std::numeric_limits<scalar_t>;
                          return std::isfinite(value) && (value > static_cast<double>(Limits::max()) ||
                                                          value < static_cast<double>(Limits::lowest()));
                        }),
                        AT_EXPAND(AT_ALL_TYPES), AT_EXPAND(AT_FLOAT8_TYPES), AT_EXPAND(AT_BAREBONES_UNSIGNED_TYPES),
                        at::kHalf, at::kBFloat16);
}

}  // namespace

bool converts_numbers(std::string_view op) {
  if (op.ends_with('_')) op.remove_suffix(1);
  return std::ranges::find(kOps, op) != std::end(kOps);
}

void check_numbers(const c10::OperatorHandle& op, c10::ArrayRef<c10::IValue> arguments) {
  const auto is_tensor = [](const c10::IValue& value) { return value.isTensor() && value.toTensor().defined(); };
  const auto first = std::ranges::find_if(arguments, is_tensor);
  if (first == arguments.end()) return;
  const at::ScalarType dtype = first->toTensor().scalar_type();
  const auto is_empty = [&](const c10::IValue& value) { return is_tensor(value) && value.toTensor().numel() == 0; };
  if (dtype == at::kBool || c10::isComplexType(dtype) || std::ranges::any_of(arguments, is_empty)) return;
  const auto is_too_large = [&](const c10::IValue& value) {
    return value.isScalar() && is_beyond(dtype, value.toScalar());
  };
  if (std::ranges::none_of(arguments, is_too_large)) return;
  // Rare: the kernel itself says whether it minds.
  torch::jit::Stack stack;
  for (const c10::IValue& value : arguments) stack.push_back(sample_of(value));
  op.callBoxed(stack);
}

void check_number(at::ScalarType dtype, const at::Scalar& number) {
  AT_DISPATCH_V2(dtype, "check_number", AT_WRAP([&] { (void)number.to<scalar_t>(); }),
                 AT_EXPAND(AT_ALL_TYPES_AND_COMPLEX), AT_EXPAND(AT_FLOAT8_TYPES),
                 AT_EXPAND(AT_BAREBONES_UNSIGNED_TYPES), at::kHalf, at::kBFloat16, at::kBool, at::kComplexHalf);
}

}  // namespace remote::device
