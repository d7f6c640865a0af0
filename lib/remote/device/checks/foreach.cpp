// List ops. What a CPU worker minds of dtypes and numbers, its kernels say of small samples.
#include <ATen/ExpandUtils.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/stack.h>

#include <algorithm>

#include <remote/device/checks/common.h>
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

/// The tensors for one element of the first list broadcast, for an op in place to that element's size.
void broadcast(const Schema& schema, Arguments arguments, size_t element) {
  const auto self = arguments[0].toListRef()[element].toTensor().sizes();
  at::DimVector sizes(self.begin(), self.end());
  for (const c10::IValue& argument : arguments.slice(1)) {
    if (!argument.isTensorList()) continue;
    sizes = at::infer_size_dimvector(sizes, argument.toListRef()[element].toTensor().sizes());
  }
  TORCH_CHECK(!schema.name().ends_with('_') || self == c10::IntArrayRef(sizes), "output with shape ", self,
              " doesn't match the broadcast shape ", c10::IntArrayRef(sizes));
}

/// The elements differ in their values alone.
bool are_alike(Arguments arguments) {
  return std::ranges::all_of(arguments, [](const c10::IValue& argument) {
    if (argument.isTensor()) return argument.toTensor().dim() == 0;
    if (!argument.isList()) return true;
    const auto items = argument.toListRef();
    return std::ranges::all_of(items, [&](const c10::IValue& item) {
      if (!item.isTensor()) return false;
      const Tensor &tensor = item.toTensor(), &first = items[0].toTensor();
      return tensor.dtype() == first.dtype() && tensor.dim() == first.dim() &&
             (tensor.numel() == 0) == (first.numel() == 0);
    });
  });
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
  if (schema.name() != "aten::_foreach_mm") {
    for (size_t i = 0; i < count; ++i) broadcast(schema, arguments, i);
  }
  if (!worker_is(c10::kCPU, first_tensor)) return;
  const bool one_will_do = are_alike(arguments);
  torch::jit::Stack stack;
  for (const c10::IValue& argument : arguments) {
    if (argument.isTensor()) {  // a number, or one for each element
      stack.emplace_back(at::ones(argument.toTensor().sizes(), at::TensorOptions(argument.toTensor().scalar_type())));
    } else if (argument.isTensorList() && one_will_do) {
      stack.emplace_back(c10::List<Tensor>({sample_of(argument.toListRef()[0].toTensor())}));
    } else {
      stack.push_back(sample_of(argument));
    }
  }
  c10::Dispatcher::singleton()
      .findSchemaOrThrow(schema.name().c_str(), schema.overload_name().c_str())
      .callBoxed(stack);
}

}  // namespace remote::device::checks
