#include <remote/device/ops/taped_ops.h>

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include <utility>

#include <remote/device/describe.h>
#include <remote/device/device_state.h>
#include <remote/device/recorder.h>
#include <remote/device/runtime.h>
#include <remote/device/shapes/common.h>
#include <remote/wire/taped_ops.h>

namespace remote::device {
namespace {

using at::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// A taped op, ready to be recorded.
struct TapedCall {
  const OpInfo& op;  ///< the taped one
  std::vector<c10::IValue> arguments;
  std::vector<Tensor> inputs;        ///< the tensors among the arguments
  std::vector<bool> needs_gradient;  ///< for each of them
  OutputSpecs outputs;               ///< without the tape
  c10::DeviceIndex device;

  /// The op's outputs, and the tape.
  std::vector<Tensor> record() const {
    std::vector<c10::IValue> all = arguments;
    c10::List<bool> needs;
    for (bool need : needs_gradient) needs.push_back(need);
    all.emplace_back(std::move(needs));
    OutputSpecs specs = outputs;
    specs.push_back(shapes::opaque(c10::ScalarType::Byte));
    return record_declared(op, all, device, specs);
  }
};

/// The backward pass, which can't be differentiated itself.
class TapedGradient : public torch::autograd::Function<TapedGradient> {
 public:
  /// `given`: the gradients of those outputs that have one, by `is_given`. The inputs of the op are there because the
  /// result depends on them, too.
  static variable_list forward(AutogradContext* context, at::TensorList given, at::TensorList /*inputs*/,
                               const std::vector<bool>& is_given, const Tensor& tape, const OutputSpecs& gradients,
                               const std::string& op) {
    context->saved_data["op"] = op;
    c10::List<std::optional<Tensor>> output_gradients;
    size_t next = 0;
    for (bool defined : is_given) output_gradients.push_back(defined ? std::optional(given[next++]) : std::nullopt);
    static const OpInfo& backward = op_info(wire::taped_backward_op());
    return record_declared(backward, {tape, output_gradients}, tape.device().index(), gradients);
  }

  static variable_list backward(AutogradContext* context, const variable_list&) {
    TORCH_CHECK_NOT_IMPLEMENTED(
        false, context->saved_data["op"].toStringRef(),
        " ran as a fused kernel of the worker's device, whose gradient has no gradient; for a second derivative turn "
        "such kernels off before the forward pass, in at::globalContext(): setUserEnabledCuDNN(false) for recurrent "
        "layers, setUserEnabledMkldnn(false) on a CPU worker; setSDPUseFlash(false), setSDPUseMemEfficient(false) and "
        "setSDPUseCuDNN(false) for attention");
  }
};

class TapedFunction : public torch::autograd::Function<TapedFunction> {
 public:
  static variable_list forward(AutogradContext* context, at::TensorList inputs, const TapedCall& call) {
    variable_list results = call.record();
    // All inputs, so that a change of any is noticed: the tape holds them without knowing of versions.
    variable_list saved = inputs.vec();
    saved.push_back(std::move(results.back()));
    results.pop_back();
    context->save_for_backward(std::move(saved));
    context->saved_data["op"] = call.op.op.operator_name().name;
    context->saved_data["needs_gradient"] = call.needs_gradient;
    context->set_materialize_grads(false);
    return results;
  }

  static variable_list backward(AutogradContext* context, const variable_list& output_gradients) {
    variable_list inputs = context->get_saved_variables();
    const Tensor tape = std::move(inputs.back());
    inputs.pop_back();
    const auto needs_gradient = context->saved_data["needs_gradient"].toBoolList();
    OutputSpecs specs;
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (needs_gradient.get(i)) specs.push_back(shapes::dense_like(inputs[i]));
    }
    variable_list given;
    std::vector<bool> is_given;
    for (const Tensor& gradient : output_gradients) {
      is_given.push_back(gradient.defined());
      if (gradient.defined()) given.push_back(gradient);
    }
    variable_list gradients = TapedGradient::apply(at::TensorList(given), at::TensorList(inputs), is_given, tape, specs,
                                                   context->saved_data["op"].toStringRef());
    // One result for each argument of forward().
    variable_list results(inputs.size() + 1);
    size_t next = 0;
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (needs_gradient.get(i)) results[i] = std::move(gradients[next++]);
    }
    return results;
  }
};

/// The tensors among the arguments, those of lists one by one.
std::vector<Tensor> tensors_of(const std::vector<c10::IValue>& arguments) {
  std::vector<Tensor> tensors;
  for (const c10::IValue& value : arguments) {
    if (value.isTensor() && value.toTensor().defined()) tensors.push_back(value.toTensor());
    if (!value.isTensorList()) continue;
    for (const c10::IValue& element : value.toListRef()) tensors.push_back(element.toTensor());
  }
  return tensors;
}

}  // namespace

std::optional<std::vector<Tensor>> record_taped(const c10::OperatorName& aten_op, std::vector<c10::IValue> arguments) {
  const auto op = wire::taped_op(aten_op);
  TORCH_INTERNAL_ASSERT(op, toString(aten_op), " has no taped form");
  TapedCall call{op_info(*op), std::move(arguments), {}, {}, {}, 0};
  call.inputs = tensors_of(call.arguments);
  call.device = call.inputs.front().device().index();
  const ShapeRule rule = find_shape_rule(aten_op);
  if (rule == nullptr || !rule({call.arguments, Runtime::get().hardware(call.device)}, call.outputs)) {
    return std::nullopt;
  }
  device_state(call.device).count(Tier::kRule);
  run_backward_on_this_thread();
  bool any = false;
  for (const Tensor& input : call.inputs) {
    call.needs_gradient.push_back(at::GradMode::is_enabled() && input.requires_grad());
    any = any || call.needs_gradient.back();
  }
  if (any) return TapedFunction::apply(at::TensorList(call.inputs), call);
  std::vector<Tensor> results = call.record();
  results.pop_back();
  return results;
}

}  // namespace remote::device
