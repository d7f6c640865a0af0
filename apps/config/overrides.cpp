#include "apps/config/overrides.h"

#include <algorithm>

#include "apps/config/scalar.h"
#include "apps/config/suggest.h"
#include "apps/config/yaml_reader.h"

namespace remote::config {
namespace {

std::vector<std::string> split_path(const std::string& path) {
  std::vector<std::string> parts(1);
  for (char c : path) {
    if (c == '.' || c == '[') {
      parts.emplace_back();
    } else if (c != ']') {
      parts.back() += c;
    }
  }
  return parts;
}

/// Gives every node the place of the override; it has no lines of its own.
void locate(Node& node, const Location& where) {
  node.where = where;
  for (Node& item : node.items) locate(item, where);
  for (Entry& entry : node.entries) {
    entry.where = where;
    locate(entry.value, where);
  }
}

/// One override on its way down the tree.
class Application {
 public:
  Application(const std::string& argument, Diagnostics& diagnostics) : diagnostics_(diagnostics) {
    where_ = {std::make_shared<Source>(Source::Kind::kCommandLine, "command line: " + argument, argument), 0, 0, 1};
    removes_ = argument.starts_with('~');
    size_t equals = argument.find('=');
    path_ = split_path(argument.substr(removes_ ? 1 : 0, removes_ ? std::string::npos : equals));
    if (!removes_ && equals != std::string::npos) {
      text_ = argument.substr(equals + 1);
    } else if (!removes_) {
      fail("expected section.key=value or ~section.key");
    }
    if (std::any_of(path_.begin(), path_.end(), [](const std::string& part) { return part.empty(); })) {
      fail("the name before '=' has an empty part");
    }
  }

  void apply(Node& root) {
    if (failed_) return;
    Node value;
    if (!removes_) {
      Diagnostics syntax;
      value = read_yaml(std::make_shared<Source>(Source::Kind::kFile, "value", text_), syntax);
      if (!syntax.empty()) return fail("the value is no YAML: " + syntax.problems().front().message);
      locate(value, where_);
    }
    Node* node = &root;
    for (size_t i = 0; i + 1 < path_.size() && node; ++i) node = descend(*node, i);
    if (node) finish(*node, std::move(value));
  }

 private:
  void fail(const std::string& message) {
    if (!failed_) diagnostics_.add(where_, message);
    failed_ = true;
  }

  std::string path_until(size_t count) const {
    std::string text;
    for (size_t i = 0; i < count; ++i) text += (i ? "." : "") + path_[i];
    return text;
  }

  /// `i`: the part of the path that the node lacks.
  void fail_to_remove(const Node& node, size_t i) {
    std::vector<std::string> keys;
    for (const Entry& entry : node.entries) keys.push_back(entry.key);
    const std::string near = closest(path_[i], keys);
    fail("there is no '" + path_until(i + 1) + "' to remove" + (near.empty() ? "" : "; did you mean '" + near + "'?"));
  }

  Node* item(Node& list, size_t i) {
    auto index = parse_int(path_[i]);
    if (!index || *index < 0 || static_cast<size_t>(*index) >= list.items.size()) {
      fail("'" + path_until(i) + "' is a list of " + std::to_string(list.items.size()) +
           "; expected a number from 0 to " + std::to_string(std::max<size_t>(list.items.size(), 1) - 1) + ", got '" +
           path_[i] + "'");
      return nullptr;
    }
    return &list.items[static_cast<size_t>(*index)];
  }

  /// Makes a map of what can become one.
  void open_map(Node& node) {
    if (node.kind == Node::Kind::kScalar) {
      Node name = node;
      node = Node::map();
      node.where = name.where;
      node.entries.push_back({"type", name.where, std::move(name)});
    } else if (node.kind == Node::Kind::kNull) {
      node = Node::map();
      node.where = where_;
    }
  }

  Node* descend(Node& node, size_t i) {
    if (node.kind == Node::Kind::kList) return item(node, i);
    open_map(node);
    if (Entry* entry = node.find(path_[i])) return &entry->value;
    if (removes_) return fail_to_remove(node, i), nullptr;
    node.entries.push_back({path_[i], where_, Node::map()});
    node.entries.back().value.where = where_;
    return &node.entries.back().value;
  }

  void finish(Node& parent, Node value) {
    size_t last = path_.size() - 1;
    if (parent.kind == Node::Kind::kList) {
      Node* target = item(parent, last);
      if (!target) return;
      if (removes_) {
        parent.items.erase(parent.items.begin() + (target - parent.items.data()));
      } else {
        *target = std::move(value);
      }
      return;
    }
    if (removes_) {
      if (parent.find(path_[last]) == nullptr) return fail_to_remove(parent, last);
      std::erase_if(parent.entries, [&](const Entry& entry) { return entry.key == path_[last]; });
      return;
    }
    open_map(parent);
    if (Entry* entry = parent.find(path_[last])) {
      entry->where = where_;
      entry->value = std::move(value);
    } else {
      parent.entries.push_back({path_[last], where_, std::move(value)});
    }
  }

  Diagnostics& diagnostics_;
  Location where_;
  std::vector<std::string> path_;
  std::string text_;
  bool removes_ = false;
  bool failed_ = false;
};

}  // namespace

void apply_overrides(Node& root, const std::vector<std::string>& overrides, Diagnostics& diagnostics) {
  for (const std::string& argument : overrides) Application(argument, diagnostics).apply(root);
}

bool is_override(const std::string& argument) {
  return argument.starts_with('~') || argument.find('=') != std::string::npos;
}

}  // namespace remote::config
