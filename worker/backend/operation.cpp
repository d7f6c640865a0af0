#include <worker/backend/operation.h>

#include <ATen/core/function_schema.h>
#include <torch/csrc/jit/frontend/function_schema_parser.h>
#include <torch/version.h>

#include <algorithm>
#include <array>

#include <remote/wire/taped_ops.h>
#include <worker/backend/allowed_ops.h>

namespace remote::worker {
namespace {

using Kind = Operation::Kind;

/// In-place ops that write all of self and read none of it.
constexpr std::array<std::string_view, 11> kOverwriting = {
    "aten::fill_",    "aten::zero_",       "aten::copy_",        "aten::normal_",
    "aten::uniform_", "aten::bernoulli_",  "aten::exponential_", "aten::geometric_",
    "aten::cauchy_",  "aten::log_normal_", "aten::random_",
};

/// Arguments that an op writes although its schema does not say so: running statistics.
struct HiddenWrites {
  std::string_view op;
  std::array<std::string_view, 2> arguments;
};
constexpr std::array<HiddenWrites, 2> kHiddenWrites = {{
    {"aten::native_batch_norm", {"running_mean", "running_var"}},
    {"aten::cudnn_batch_norm", {"running_mean", "running_var"}},
}};

/// Tagged as drawing random numbers, and never doing so.
constexpr std::array<std::string_view, 2> kDrawNothing = {"aten::_fused_sdp_choice",
                                                          "aten::_scaled_dot_product_flash_attention_for_cpu"};

/// Has no out, and asks whether query, key and value are one tensor.
constexpr std::string_view kComparesInputs = "aten::_native_multi_head_attention";

constexpr std::string_view kReadsWorkspace = "aten::mkldnn_rnn_layer_backward";

Kind kind_of(const c10::Type& type) {
  switch (type.kind()) {
    case c10::TypeKind::TensorType:
      return Kind::kTensor;
    case c10::TypeKind::IntType:
    case c10::TypeKind::SymIntType:
      return Kind::kInt;
    case c10::TypeKind::FloatType:
    case c10::TypeKind::SymFloatType:
      return Kind::kDouble;
    case c10::TypeKind::BoolType:
    case c10::TypeKind::SymBoolType:
      return Kind::kBool;
    case c10::TypeKind::NumberType:
      return Kind::kNumber;
    case c10::TypeKind::StringType:
      return Kind::kString;
    case c10::TypeKind::DeviceObjType:
      return Kind::kDevice;
    case c10::TypeKind::GeneratorType:
      return Kind::kGenerator;
    case c10::TypeKind::LayoutType:
    case c10::TypeKind::ScalarTypeType:
    case c10::TypeKind::MemoryFormatType:
      return Kind::kInt;
    case c10::TypeKind::ListType: {
      const auto& element = *type.containedType(0);
      if (element.kind() == c10::TypeKind::OptionalType &&
          element.containedType(0)->kind() == c10::TypeKind::TensorType) {
        return Kind::kOptionalTensorList;
      }
      switch (kind_of(element)) {
        case Kind::kTensor:
          return Kind::kTensorList;
        case Kind::kInt:
          return Kind::kIntList;
        case Kind::kDouble:
          return Kind::kDoubleList;
        case Kind::kBool:
          return Kind::kBoolList;
        case Kind::kNumber:
          return Kind::kNumberList;
        default:
          return Kind::kUnsupported;
      }
    }
    default:
      return Kind::kUnsupported;
  }
}

void describe_arguments(Operation& operation, const c10::FunctionSchema& schema) {
  for (const auto& from : schema.arguments()) {
    Operation::Argument argument;
    argument.name = from.name();
    const c10::Type* type = from.type().get();
    if (type->kind() == c10::TypeKind::OptionalType) {
      argument.optional = true;
      type = type->containedType(0).get();
    }
    argument.kind = kind_of(*type);
    argument.writes = from.alias_info() != nullptr && from.alias_info()->isWrite();
    argument.out = from.is_out();
    argument.overwrites = argument.out;
    operation.arguments.push_back(std::move(argument));
  }
  for (const auto& result : schema.returns()) {
    const Kind kind = kind_of(*result.type());
    if (kind != Kind::kTensor && kind != Kind::kTensorList) operation.returns_tensors = false;
  }
}

int position(const Operation& operation, std::string_view name) {
  for (size_t i = 0; i < operation.arguments.size(); ++i) {
    if (operation.arguments[i].name == name) return static_cast<int>(i);
  }
  return -1;
}

void describe_writes(Operation& operation, std::string_view base) {
  auto& arguments = operation.arguments;
  if (!arguments.empty() && arguments[0].writes && std::ranges::find(kOverwriting, base) != kOverwriting.end()) {
    arguments[0].overwrites = true;
  }
  for (const auto& hidden : kHiddenWrites) {
    if (base != hidden.op) continue;
    for (auto name : hidden.arguments) {
      if (const int i = position(operation, name); i >= 0) arguments[i].writes = true;
    }
  }
}

void describe_draws(Operation& operation, std::string_view base) {
  for (size_t i = 0; i < operation.arguments.size(); ++i) {
    if (operation.arguments[i].kind == Kind::kGenerator) operation.generator_argument = static_cast<int>(i);
  }
  if (operation.generator_argument >= 0 || !operation.handle->hasTag(at::Tag::nondeterministic_seeded)) return;
  if (std::ranges::find(kDrawNothing, base) != kDrawNothing.end()) return;
  if (operation.name == "aten::native_dropout") {
    operation.draws = Operation::Draws::kAsDropout;
    return;
  }
  operation.draws = Operation::Draws::kAlways;
  for (auto name : {"dropout_p", "dropout", "p"}) {
    if (operation.probability_argument < 0) operation.probability_argument = position(operation, name);
  }
  operation.train_argument = position(operation, "train");
  if (operation.probability_argument >= 0) operation.draws = Operation::Draws::kUnlessZero;
}

bool is_number(const c10::IValue& value) {
  return value.isInt() || value.isDouble() || value.isBool() || value.isComplexDouble() || value.isUnsigned();
}

}  // namespace

bool Operation::accepts(const Argument& argument, const c10::IValue& value) {
  if (value.isNone()) return argument.optional;
  switch (argument.kind) {
    case Kind::kTensor:
      return value.isTensor();
    case Kind::kTensorList:
      return value.isTensorList();
    case Kind::kOptionalTensorList:
      return value.isOptionalTensorList() || value.isTensorList();
    case Kind::kInt:
      return value.isInt();
    case Kind::kDouble:
      return value.isDouble();
    case Kind::kBool:
      return value.isBool();
    case Kind::kNumber:
      return is_number(value);
    case Kind::kString:
      return value.isString();
    case Kind::kDevice:
      return value.isDevice();
    case Kind::kGenerator:
      return value.isGenerator();
    case Kind::kIntList:
      return value.isIntList();
    case Kind::kDoubleList:
      return value.isDoubleList();
    case Kind::kBoolList:
      return value.isBoolList();
    case Kind::kNumberList:
      return value.isList() && !value.isTensorList() && !value.isOptionalTensorList();
    case Kind::kUnsupported:
      return false;
  }
  return false;
}

OperationTable::OperationTable(const Device& device, std::vector<std::string> allowed_namespaces,
                               bool allows_all_namespaces)
    : cpu_(device.is_cpu()),
      allowed_namespaces_(std::move(allowed_namespaces)),
      allows_all_namespaces_(allows_all_namespaces) {}

Status OperationTable::check_allowed(std::string_view name) const {
  const size_t colons = name.find("::");
  const std::string_view ns = name.substr(0, colons == name.npos ? 0 : colons);
  if (ns == "aten" && is_allowed_aten_op(name.substr(colons + 2))) return {};
  const auto is_allowed = [&] {
    return allows_all_namespaces_ || std::ranges::find(allowed_namespaces_, ns) != allowed_namespaces_.end();
  };
  if (ns == wire::kTapedNamespace) return {};
  if (ns != "aten" && is_allowed()) return {};
  std::string text = "this worker does not run it";
  if (ns == "aten") {
    text += ": it is not among the ops of ordinary dense training that a worker allows";
  } else {
    text += "; its operator can allow the namespace with --allow-namespace " + std::string(ns);
  }
  return {StatusCode::kPermissionDenied, std::move(text)};
}

StatusOr<std::shared_ptr<const Operation>> OperationTable::find(std::string_view name, std::string_view overload,
                                                                std::string_view schema) {
  std::string key(schema);
  if (const auto known = operations_.find(key); known != operations_.end()) return known->second;
  std::shared_ptr<const Operation> operation;
  try {
    operation = make(name, overload, key);
  } catch (const std::exception&) {
    return Status(StatusCode::kInvalidArgument, "\"" + key.substr(0, 200) + "\" is no op schema");
  }
  // Others may go with their library, and come back as another op.
  const bool stays = name.starts_with("aten::") || name.starts_with(wire::kTapedNamespace);
  if (stays && operation->refusal.ok()) operations_.emplace(std::move(key), operation);
  return operation;
}

std::shared_ptr<const Operation> OperationTable::make(std::string_view name, std::string_view overload,
                                                      const std::string& schema) {
  auto operation = std::make_shared<Operation>();
  operation->name = name;
  if (name.starts_with(wire::kTapedNamespace) && !name.ends_with("backward")) {
    // As its users know it.
    operation->name.replace(0, wire::kTapedNamespace.size(), "aten");
  }
  if (!overload.empty()) operation->name.append(".").append(overload);

  const auto refuse = [&](Status status) {
    // The client's own schema: it tells how to read the arguments past, and which storages miss a write.
    describe_arguments(*operation, torch::jit::parseSchema(schema));
    operation->refusal = std::move(status);
    return operation;
  };
  if (Status status = check_allowed(name); !status.ok()) return refuse(std::move(status));
  auto handle = c10::Dispatcher::singleton().findSchema({std::string(name), std::string(overload)});
  if (!handle) {
    return refuse({StatusCode::kUnimplemented, name.starts_with("aten::")
                                                   ? "the worker's LibTorch " TORCH_VERSION " has no such op"
                                                   : "the worker has no such op; its operator can load a library that "
                                                     "has it with --load-ops"});
  }
  const std::string own = toString(handle->schema());
  if (own != schema) {
    return refuse({StatusCode::kUnimplemented, "client and worker have different versions of it; the client's is \"" +
                                                   schema.substr(0, 500) +
                                                   "\", the worker's LibTorch " TORCH_VERSION " has \"" + own +
                                                   "\"; use the same release on both sides"});
  }
  operation->handle = *handle;
  describe_arguments(*operation, handle->schema());
  describe_writes(*operation, name);
  describe_draws(*operation, name);
  operation->reads_workspace = name == kReadsWorkspace;
  operation->compares_arguments =
      name == kComparesInputs || std::ranges::any_of(operation->arguments, &Operation::Argument::out);
  operation->products = wire::products_of(name);
  const bool is_built_in = name.starts_with("aten::") || name.starts_with(wire::kTapedNamespace);
  operation->runs_above_autograd =
      !is_built_in && std::ranges::none_of(std::array{c10::DispatchKey::Autograd, c10::DispatchKey::AutogradCPU,
                                                  c10::DispatchKey::AutogradCUDA},
                                       [&](c10::DispatchKey key) { return handle->hasKernelForDispatchKey(key); });
  if (cpu_ && operation->draws == Operation::Draws::kAlways) {
    operation->refusal = {
        StatusCode::kUnimplemented,
        "it draws random numbers and takes no generator, so a CPU worker can't give it the session's; "
        "fill an empty tensor with uniform_, normal_, bernoulli_ or random_ in its place"};
  }
  return operation;
}

}  // namespace remote::worker
