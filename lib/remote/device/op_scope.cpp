#include <remote/device/op_scope.h>

#include <c10/util/hash.h>
#include <torch/csrc/autograd/function.h>

#include <cctype>
#include <string>
#include <string_view>
#include <typeindex>
#include <unordered_map>

#include <remote/device/name_scope.h>

namespace remote::device {
namespace {

using torch::autograd::Node;

/// "max_pool2d_with_indices" from "MaxPool2DWithIndices", as autograd's generated nodes are called after their ops.
std::string op_of(std::string_view camel_case) {
  const auto is = [&](size_t i, int (*kind)(int)) {
    return i < camel_case.size() && kind(static_cast<unsigned char>(camel_case[i])) != 0;
  };
  std::string op;
  for (size_t i = 0; i < camel_case.size(); ++i) {
    const bool begins_word = i > 0 && is(i, std::isupper) && (is(i - 1, std::islower) || is(i + 1, std::islower));
    if (begins_word && op.back() != '_') op += '_';
    op += static_cast<char>(std::tolower(static_cast<unsigned char>(camel_case[i])));
  }
  return op;
}

/// From the name of a node: "AddmmBackward0", "torch::autograd::CppNode<mine::Clamp>", "ClampBackward" of Python's,
/// "AccumulateGrad".
std::string describe_node(const std::string& name) {
  std::string_view forward = name;
  if (const size_t own = forward.find("CppNode<"); own != forward.npos) {
    forward.remove_prefix(own + std::string_view("CppNode<").size());
    forward = forward.substr(0, forward.rfind('>'));
    if (const size_t space = forward.rfind("::"); space != forward.npos) forward.remove_prefix(space + 2);
    return "backward pass of " + std::string(forward);
  }
  const size_t end = forward.rfind("Backward");
  if (end == forward.npos || end == 0) return name;
  const bool is_generated = end + std::string_view("Backward").size() < forward.size();
  forward = forward.substr(0, end);
  if (!is_generated) return "backward pass of " + std::string(forward);
  return "backward pass of " + op_of(forward) + " (" + name + ")";
}

/// Numbered once for each kind of node and each scope of the forward pass.
uint32_t number_of(const Node& node, std::type_index type, uint32_t forward_scope) {
  const auto describe = [&](const std::string& name) {
    const std::string path = NameScope::path_of(forward_scope);
    return NameScope::id_of((path.empty() ? "" : path + ", ") + describe_node(name));
  };
  static const std::string_view kPythons = "N5torch8autograd6PyNodeE";
  if (type.name() == kPythons) return describe(node.name());  // each class of Python's has this type
  thread_local std::unordered_map<std::pair<std::type_index, uint32_t>, uint32_t,
                                  c10::hash<std::pair<std::type_index, uint32_t>>>
      numbers;
  const auto [entry, is_new] = numbers.try_emplace({type, forward_scope}, 0);
  if (is_new) entry->second = describe(node.name());
  return entry->second;
}

uint32_t scope_of_backward(const Node& node) {
  struct Last {
    std::type_index type = typeid(void);
    uint64_t thread = 0, sequence = 0;
    uint32_t scope = 0;
  };
  thread_local Last last;  // most nodes record several ops
  const std::type_index type = typeid(node);
  if (last.type == type && last.thread == node.thread_id() && last.sequence == node.sequence_nr()) return last.scope;
  const uint32_t forward_scope = NameScope::id_at(node.thread_id(), node.sequence_nr());
  last = {type, node.thread_id(), node.sequence_nr(), number_of(node, type, forward_scope)};
  return last.scope;
}

}  // namespace

uint32_t scope_of_op() {
  const uint32_t open = NameScope::current_id();
  const auto node = torch::autograd::get_current_node();
  if (node == nullptr) return open;
  // A forward pass within a backward pass, as of checkpointing.
  if (open != 0 && NameScope::opened_in_node() == node.get()) return open;
  return scope_of_backward(*node);
}

}  // namespace remote::device
