#include <remote/wire/taped_ops.h>

#include <ATen/core/function_schema.h>
#include <torch/library.h>

#include <string>
#include <vector>

namespace remote::wire {
namespace {

using c10::Argument;
using c10::OperatorName;

constexpr const char* kPaddedOrPacked[] = {"input", "data"};
constexpr const char* kRecurrent[] = {"aten::lstm", "aten::gru", "aten::rnn_tanh", "aten::rnn_relu"};
constexpr std::string_view kAten = "aten::";
constexpr const char* kBackwardSchema = "backward(Tensor tape, Tensor?[] gradients) -> Tensor[]";

OperatorName renamed(const OperatorName& aten_op) {
  return {std::string(kTapedNamespace) + "::" + aten_op.name.substr(kAten.size()), aten_op.overload_name};
}

c10::FunctionSchema taped_schema(const c10::FunctionSchema& aten) {
  std::vector<Argument> arguments, returns;
  for (const Argument& argument : aten.arguments()) {
    if (is_batch_sizes(argument)) {
      arguments.emplace_back(argument.name(), c10::ListType::ofInts());
    } else {
      arguments.emplace_back(argument.name(), argument.type(), argument.real_type(), argument.N(),
                             argument.default_value(), argument.kwarg_only());
    }
  }
  arguments.emplace_back("needs_gradient", c10::ListType::ofBools());
  for (const Argument& returned : aten.returns()) returns.emplace_back("", returned.type());
  returns.emplace_back("", c10::TensorType::get());
  const OperatorName name = renamed({aten.name(), aten.overload_name()});
  return {name.name, name.overload_name, std::move(arguments), std::move(returns)};
}

/// The library of their schemas, defined by the first who asks. Leaked: ops may be in use while statics are destroyed.
const std::vector<OperatorName>& define() {
  static const auto* names = [] {
    auto* library =
        new torch::Library(torch::Library::DEF, std::string(kTapedNamespace), std::nullopt, __FILE__, __LINE__);
    auto* defined = new std::vector<OperatorName>();
    const auto define_form = [&](const char* name, const char* overload) {
      const auto aten_op = c10::Dispatcher::singleton().findSchemaOrThrow(name, overload);
      library->def(taped_schema(aten_op.schema()), {at::Tag::nondeterministic_seeded});
      defined->push_back(renamed(aten_op.operator_name()));
    };
    define_form("aten::scaled_dot_product_attention", "");
    for (const char* name : kRecurrent) {
      for (const char* overload : kPaddedOrPacked) define_form(name, overload);
    }
    library->def(kBackwardSchema);
    return defined;
  }();
  return *names;
}

}  // namespace

bool is_batch_sizes(const Argument& argument) {
  return argument.name() == "batch_sizes";
}

const std::vector<OperatorName>& taped_ops() {
  return define();
}

std::optional<c10::OperatorHandle> taped_op(const OperatorName& aten_op) {
  define();
  if (!aten_op.name.starts_with(kAten)) return std::nullopt;
  return c10::Dispatcher::singleton().findSchema(renamed(aten_op));
}

c10::OperatorHandle untaped_op(const OperatorName& taped_op) {
  const std::string name = std::string(kAten) + taped_op.name.substr(kTapedNamespace.size() + 2);
  return c10::Dispatcher::singleton().findSchemaOrThrow(name.c_str(), taped_op.overload_name.c_str());
}

c10::OperatorHandle taped_backward_op() {
  define();
  return c10::Dispatcher::singleton().findSchemaOrThrow((std::string(kTapedNamespace) + "::backward").c_str(), "");
}

}  // namespace remote::wire
