#include <remote/device/op_info.h>

#include <algorithm>
#include <array>
#include <mutex>
#include <unordered_map>

#include <remote/device/shapes/data_dependent.h>
#include <remote/wire/precision.h>

namespace remote::device {
namespace {

/// Out variants whose kernels resize the out to the size of the input before they reduce, and print a warning each
/// time.
constexpr std::array<std::string_view, 2> kRunAsFunctional = {"aten::mse_loss", "aten::smooth_l1_loss"};

/// Ops that write one value into each element, or whose CPU kernels don't look.
constexpr std::array<std::string_view, 7> kTakeOverlap = {
    "aten::addmv", "aten::baddbmm", "aten::conj_physical", "aten::fill", "aten::threshold", "aten::tril", "aten::triu",
};

/// The argument that a return is, by its alias annotation; -1 for a new value.
int argument_returned(const c10::FunctionSchema& schema, const c10::Argument& returned) {
  const auto* alias = returned.alias_info();
  if (alias == nullptr) return -1;
  const auto& arguments = schema.arguments();
  for (size_t i = 0; i < arguments.size(); ++i) {
    const auto* other = arguments[i].alias_info();
    if (other != nullptr && other->beforeSets() == alias->beforeSets()) return static_cast<int>(i);
  }
  return -1;
}

/// Of tensors: no other list has optional elements.
bool is_list_of_optionals(const c10::Type& type) {
  return type.kind() == c10::TypeKind::ListType &&
         type.expectRef<c10::ListType>().getElementType()->kind() == c10::TypeKind::OptionalType;
}

bool is_tensor_or_list(const c10::Type& type) {
  if (type.kind() == c10::TypeKind::TensorType) return true;
  return type.kind() == c10::TypeKind::ListType &&
         type.expectRef<c10::ListType>().getElementType()->kind() == c10::TypeKind::TensorType;
}

/// Whether LibTorch, or a library of custom ops, tells sizes and strides. Python's torch lays kernels of its own over
/// LibTorch's, and those don't give the strides, nor the errors, of its CPU kernels.
bool has_usable_meta_kernel(const c10::OperatorHandle& op) {
  if (!op.hasKernelForDispatchKey(c10::DispatchKey::Meta)) return false;
  if (!op.schema().name().starts_with("aten::")) return true;
  // Names the file in which it was registered.
  return op.getComputedKernelForDispatchKey(c10::DispatchKey::Meta).debug().find(".py") == std::string::npos;
}

}  // namespace

OpInfo::OpInfo(const c10::OperatorHandle& op) : op(op) {
  const auto& schema = op.schema();
  const auto& arguments = schema.arguments();
  argument_count = arguments.size();
  for (size_t i = 0; i < arguments.size(); ++i) {
    const auto& argument = arguments[i];
    if (argument.is_out()) out_arguments.push_back(static_cast<int>(i));
    const std::string type = argument.type()->str();
    if (type.find("Generator") != type.npos) generator_argument = static_cast<int>(i);
    if (type.find("Device") != type.npos) device_argument = static_cast<int>(i);
    if (is_list_of_optionals(*argument.type())) indices_argument = static_cast<int>(i);
  }

  size_t written = 0, fresh = 0;
  for (const auto& returned : schema.returns()) {
    const auto* alias = returned.alias_info();
    if (alias == nullptr) {
      ++fresh;
      if (!is_tensor_or_list(*returned.type())) kind = Kind::kUnsupported;
    } else if (alias->isWrite()) {
      ++written;
      returned_arguments.push_back(argument_returned(schema, returned));
    } else {
      kind = Kind::kUnsupported;
    }
  }
  if (fresh == 0 && kind == Kind::kFunctional) kind = Kind::kMutating;
  if (fresh > 0 && written > 0) kind = Kind::kUnsupported;

  const auto& name = op.operator_name();
  data_dependent = is_data_dependent(name);
  takes_overlap = std::ranges::find(kTakeOverlap, name.name) != kTakeOverlap.end();
  has_meta_kernel = has_usable_meta_kernel(op);
  rule = find_shape_rule(name);
  check = find_argument_check(name.name);
  lacking_dtypes = dtypes_that_cpus_lack(name.name);
  products = wire::products_of(name.name);
  if (!out_arguments.empty() && std::ranges::find(kRunAsFunctional, name.name) != kRunAsFunctional.end()) {
    run_as = functional_twin(op);
  }
}

const OpInfo& op_info(const c10::OperatorHandle& op) {
  const auto* key = &op.schema();
  static thread_local std::unordered_map<const void*, const OpInfo*> seen;
  const auto [entry, is_new] = seen.try_emplace(key);
  if (!is_new) return *entry->second;

  static auto* mutex = new std::mutex();
  static auto* all = new std::unordered_map<const void*, OpInfo*>();
  std::lock_guard lock(*mutex);
  auto& info = (*all)[key];
  if (info == nullptr) info = new OpInfo(op);
  entry->second = info;
  return *info;
}

std::optional<c10::OperatorHandle> functional_twin(const c10::OperatorHandle& out_variant) {
  const auto& schema = out_variant.schema();
  auto& dispatcher = c10::Dispatcher::singleton();
  for (const auto& name : dispatcher.getAllOpNames()) {
    if (name.name != schema.name() || name.overload_name == schema.overload_name()) continue;
    const auto candidate = dispatcher.findSchema(name);
    if (!candidate || candidate->schema().is_mutable()) continue;
    const auto& arguments = candidate->schema().arguments();
    if (arguments.size() >= schema.arguments().size()) continue;
    bool same = true;
    size_t next = 0;
    for (const auto& argument : schema.arguments()) {
      if (argument.is_out()) continue;
      same = same && next < arguments.size() && arguments[next].name() == argument.name() &&
             *arguments[next].type() == *argument.type();
      ++next;
    }
    if (same && next == arguments.size()) return candidate;
  }
  return std::nullopt;
}

}  // namespace remote::device
