#pragma once
#include <ATen/ATen.h>
#include <ATen/Context.h>
#include <ATen/MemoryOverlap.h>

#include <optional>

#include <remote/device/checks/argument_check.h>
#include <remote/device/shapes/common.h>

// What checks are made of. The numbers are places of arguments.
namespace remote::device::checks {

using at::ScalarType;
using at::Tensor;
using shapes::tensor_at;
using Arguments = c10::ArrayRef<c10::IValue>;
using Schema = c10::FunctionSchema;

inline double number_at(Arguments arguments, size_t place) {
  return arguments[place].toScalar().toDouble();
}

/// Each element of what an in-place op writes has a place of its own.
inline void is_writable(const Schema& schema, Arguments arguments) {
  if (schema.name().ends_with('_')) at::assert_no_internal_overlap(tensor_at(arguments, 0));
}

/// No out shares memory with the inputs at these places.
template <size_t... kPlaces>
void outs_are_apart(const Schema& schema, Arguments arguments) {
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (!schema.arguments()[i].is_out()) continue;
    for (const size_t place : {kPlaces...}) {
      const c10::IValue& input = arguments[place];
      if (input.isTensor()) at::assert_no_overlap(arguments[i].toTensor(), input.toTensor());
      if (!input.isTensorList()) continue;
      for (const Tensor& tensor : input.toTensorVector()) at::assert_no_overlap(arguments[i].toTensor(), tensor);
    }
  }
}

/// Says so where the caller wants to know of such kernels.
inline void is_not_deterministic(const Schema& schema, Arguments) {
  constexpr size_t kNamespace = 6;  // "aten::"
  at::globalContext().alertNotDeterministic(std::string_view(schema.name()).substr(kNamespace));
}

// ---- Dtypes

/// That of the last out; nullopt for a call that has none.
inline std::optional<ScalarType> dtype_of_out(const Schema& schema, Arguments arguments) {
  if (!schema.arguments().back().is_out()) return std::nullopt;
  return arguments.back().toTensor().scalar_type();
}

inline void can_be_cast(ScalarType result, ScalarType target) {
  TORCH_CHECK(c10::canCast(result, target), "result type ", result, " can't be cast to the desired output type ",
              target);
}

/// The tensors at the places have one dtype.
template <size_t kFirst, size_t... kOthers>
void are_of_one_dtype(const Schema& schema, Arguments arguments) {
  const ScalarType dtype = tensor_at(arguments, kFirst).scalar_type();
  for (const size_t other : {kOthers...}) {
    const Tensor& tensor = tensor_at(arguments, other);
    TORCH_CHECK(!tensor.defined() || tensor.scalar_type() == dtype, schema.name(), ": expected ",
                schema.arguments()[kFirst].name(), " and ", schema.arguments()[other].name(),
                " to have the same dtype, but got ", dtype, " and ", tensor.scalar_type(),
                "; convert one of them with .to(...)");
  }
}

/// The tensors at the places have one dtype, and it is not Bool. Of an empty product no kernel is asked.
template <size_t kFirst, size_t... kOthers>
void are_factors(const Schema& schema, Arguments arguments) {
  if (tensor_at(arguments, kFirst).numel() == 0 || ((tensor_at(arguments, kOthers).numel() == 0) || ...)) return;
  TORCH_CHECK_NOT_IMPLEMENTED(tensor_at(arguments, kFirst).scalar_type() != at::kBool, schema.name(),
                              ": expected numbers to multiply, got ", schema.arguments()[kFirst].name(),
                              " of Bool; convert it with .to(...)");
  are_of_one_dtype<kFirst, kOthers...>(schema, arguments);
}

template <ScalarType... kAllowed>
void is_one_of(const Schema& schema, Arguments arguments, size_t place, const char* expected) {
  const Tensor& tensor = tensor_at(arguments, place);
  if (!tensor.defined()) return;
  const ScalarType dtype = tensor.scalar_type();
  TORCH_CHECK(((dtype == kAllowed) || ...), schema.name(), ": expected ", expected, " for ",
              schema.arguments()[place].name(), ", but got ", dtype, "; convert it with .to(...)");
}

template <size_t kPlace>
void is_index(const Schema& schema, Arguments arguments) {
  is_one_of<at::kLong, at::kInt>(schema, arguments, kPlace, "dtype Long or Int");
}
template <size_t kPlace>
void is_long(const Schema& schema, Arguments arguments) {
  is_one_of<at::kLong>(schema, arguments, kPlace, "dtype Long");
}
template <size_t kPlace>
void is_condition(const Schema& schema, Arguments arguments) {
  is_one_of<at::kBool, at::kByte>(schema, arguments, kPlace, "a boolean tensor");
}
template <size_t kPlace>
void has_floating_dtype(const Schema& schema, Arguments arguments) {
  is_one_of<at::kFloat, at::kDouble, at::kHalf, at::kBFloat16>(schema, arguments, kPlace, "a floating-point dtype");
}
/// Of nothing, no kernel is asked.
template <size_t kPlace>
void is_floating(const Schema& schema, Arguments arguments) {
  const Tensor& tensor = tensor_at(arguments, kPlace);
  TORCH_CHECK_NOT_IMPLEMENTED(tensor.numel() == 0 || c10::isFloatingType(tensor.scalar_type()), schema.name(),
                              ": expected a floating-point dtype for ", schema.arguments()[kPlace].name(), ", but got ",
                              tensor.scalar_type(), "; convert it with .to(...)");
}
template <size_t... kPlaces>
void are_bits(const Schema& schema, Arguments arguments) {
  for (const size_t place : {kPlaces...}) {
    const Tensor& tensor = tensor_at(arguments, place);
    TORCH_CHECK_NOT_IMPLEMENTED(!tensor.defined() || c10::isIntegralType(tensor.scalar_type(), /*includeBool=*/true),
                                schema.name(), ": expected integers or Bool for ", schema.arguments()[place].name(),
                                ", but got ", tensor.scalar_type(), "; convert it with .to(...)");
  }
}

}  // namespace remote::device::checks
