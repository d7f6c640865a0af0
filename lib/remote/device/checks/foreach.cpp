// List ops. A CPU worker does to each element of the first list what the ordinary op does; so does the check.
#include <ATen/ExpandUtils.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/stack.h>

#include <algorithm>
#include <optional>
#include <string>

#include <remote/device/checks/common.h>
#include <remote/device/checks/kernel_dtypes.h>
#include <remote/device/checks/tables.h>
#include <remote/device/meta_kernel.h>
#include <remote/device/runtime.h>

namespace remote::device::checks {
namespace {

/// The lists have as many elements as the first. In LibTorch's words.
void have_one_length(Arguments arguments) {
  const size_t count = arguments[0].toListRef().size();
  TORCH_CHECK(count > 0, "Tensor list must have at least one tensor.");
  for (size_t i = 1; i < arguments.size(); ++i) {
    if (!arguments[i].isList()) continue;
    const size_t other = arguments[i].toListRef().size();
    TORCH_CHECK(other == count || arguments[i].isTensorList(),
                "Tensor list must have same number of elements as scalar list. Got ", count, " and ", other);
    TORCH_CHECK(other == count, "Tensor lists must have the same number of tensors, got ", count, " and ", other);
  }
}

/// Floating-point numbers of the sizes and dtypes that the first list has, which no op refuses.
bool is_plain(Arguments arguments) {
  const auto first = arguments[0].toListRef();
  const auto is_plain_number = [](const c10::IValue& value) { return value.isDouble() || value.isInt(); };
  for (const c10::IValue& argument : arguments) {
    if (argument.isScalar() && !is_plain_number(argument)) return false;
    if (argument.isTensor() && !argument.toTensor().is_floating_point()) return false;
    if (!argument.isList()) continue;
    const auto items = argument.toListRef();
    for (size_t i = 0; i < items.size(); ++i) {
      if (!items[i].isTensor()) {
        if (!is_plain_number(items[i])) return false;
        continue;
      }
      const Tensor& tensor = items[i].toTensor();
      const Tensor& same = first[i].toTensor();
      if (!tensor.is_floating_point() || tensor.dtype() != same.dtype() || tensor.sizes() != same.sizes()) return false;
    }
  }
  return true;
}

/// The ordinary op's overload for these arguments; nullopt where there is none.
std::optional<c10::OperatorHandle> ordinary_op(const std::string& name, Arguments arguments) {
  const auto takes = [&](const Schema& schema) {
    const auto& expected = schema.arguments();
    if (expected.size() < arguments.size()) return false;
    for (size_t i = 0; i < expected.size(); ++i) {
      if (i >= arguments.size()) {
        if (!expected[i].default_value()) return false;
        continue;
      }
      const bool is_tensor = expected[i].type()->kind() == c10::TypeKind::TensorType;
      if (is_tensor != arguments[i].isTensor()) return false;
    }
    return true;
  };
  for (const char* overload : {"", "Tensor", "Scalar", "Tensor_Tensor", "Tensor_Scalar"}) {
    const auto op = c10::Dispatcher::singleton().findSchema({name, overload});
    if (op && takes(op->schema())) return op;
  }
  return std::nullopt;
}

/// What the ordinary op says of one element. Of values it says nothing.
void check_element(const c10::OperatorHandle& op, const KernelGap& gap, c10::SmallVector<c10::IValue, 4> arguments) {
  torch::jit::Stack stack;
  at::DimVector sizes;
  for (const c10::IValue& argument : arguments) {
    if (argument.isTensor()) sizes = at::infer_size_dimvector(sizes, argument.toTensor().sizes());
    stack.push_back(to_meta(argument));
  }
  for (size_t i = arguments.size(); i < op.schema().arguments().size(); ++i) {
    stack.push_back(*op.schema().arguments()[i].default_value());
  }
  try {
    call_meta_kernel(op, stack);
    arguments.push_back(stack.back());
  } catch (const c10::NotImplementedError& error) {
    const bool has_no_meta_kernel = std::string_view(error.msg()).starts_with("Could not run");
    if (!has_no_meta_kernel) throw;
  }
  std::string_view functional = op.schema().name();
  if (functional.ends_with('_')) functional.remove_suffix(1);
  check_kernel_dtype(functional, gap, arguments);
}

}  // namespace

void foreach (const Schema& schema, Arguments arguments) {
  if (schema.arguments().back().is_out() || !arguments[0].isTensorList()) return;
  have_one_length(arguments);
  const Tensor& first_tensor = arguments[0].toListRef()[0].toTensor();
  if (arguments.size() > 1 && arguments[1].isTensor()) {
    const Tensor& number = arguments[1].toTensor();
    TORCH_CHECK(number.dim() == 0 || number.device() != first_tensor.device(), schema.name(),
                ": scalar tensor expected to be 0 dim but it has sizes ", number.sizes());
  }
  if (is_plain(arguments)) return;
  const size_t count = arguments[0].toListRef().size();
  const auto element = [&](size_t i) {
    c10::SmallVector<c10::IValue, 4> values;
    for (const c10::IValue& argument : arguments) {
      values.push_back(argument.isList() ? argument.toListRef()[i] : argument);
    }
    return values;
  };
  const auto op = ordinary_op("aten::" + schema.name().substr(std::string_view("aten::_foreach_").size()), element(0));
  if (!op) return;
  const bool on_cpu = worker_is(c10::kCPU, first_tensor);
  const KernelGap gap = on_cpu ? dtypes_that_cpus_lack(op->operator_name()) : KernelGap();
  for (size_t i = 0; i < count; ++i) check_element(*op, gap, element(i));
}

}  // namespace remote::device::checks
