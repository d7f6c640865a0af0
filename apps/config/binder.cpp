#include "apps/config/binder.h"

#include <algorithm>

#include "apps/config/bind_scope.h"
#include "apps/config/bind_value.h"
#include "apps/config/scalar.h"
#include "apps/config/suggest.h"

namespace remote::config {
namespace {

using schema::Component;
using schema::ComponentRegistry;
using schema::ComponentType;
using schema::Field;
using schema::FieldVisitor;

struct Context {
  Diagnostics& diagnostics;
  /// Every section that was bound, in order. A deque: scopes stay where they are while more are added.
  std::deque<Scope> scopes;
};

/// Stands for a section that the configuration leaves out.
const Node& empty_map() {
  static const Node map = Node::map();
  return map;
}

class Binder : public FieldVisitor {
 public:
  /// `where` is what to point at when the section lacks something.
  Binder(Context& context, Scope& scope, Location where) : context_(context), scope_(scope), where_(std::move(where)) {}

  void section(std::string_view name, const std::function<void(FieldVisitor&)>& describe, const Field& field) override {
    const Entry* entry = take(name, field);
    const Node* node = entry ? &entry->value : &empty_map();
    if (node->kind == Node::Kind::kNull) node = &empty_map();
    if (node->kind != Node::Kind::kMap) {
      fail(name, node->where, "expected a section (key: value), got " + describe_node(*node));
      return;
    }
    Scope& scope = context_.scopes.emplace_back();
    scope.path = path_of(name);
    scope.node = node;
    Binder nested(context_, scope, entry ? entry->where : where_);
    describe(nested);
  }

  void component(std::string_view name, const ComponentRegistry& registry, Component& value,
                 const Field& field) override {
    const Entry* entry = take(name, field);
    if (!entry) {
      if (!value) {
        if (field.required)
          missing(name, "`" + std::string(name) + ": {type: ...}` with one of " + type_names(registry));
        return;
      }
      bind_options(path_of(name), registry, value, empty_map(), where_, false);
      return;
    }
    if (entry->value.kind == Node::Kind::kNull && !field.required) {
      value = {};
      return;
    }
    if (!bind_component(path_of(name), registry, value, entry->value, false)) scope_.failed.emplace(name);
  }

  void components(std::string_view name, const ComponentRegistry& registry, std::vector<Component>& value,
                  const Field& field) override {
    const Entry* entry = take(name, field);
    if (!entry) {
      if (field.required) missing(name, "a list of " + registry.kind() + "s");
      return;
    }
    const Node& node = entry->value;
    if (node.kind != Node::Kind::kList) {
      fail(name, node.where, "expected a list of " + registry.kind() + "s (- type: ...), got " + describe_node(node));
      return;
    }
    value.clear();
    for (size_t i = 0; i < node.items.size(); ++i) {
      Component item;
      if (!bind_component(path_of(name) + "." + std::to_string(i), registry, item, node.items[i], true)) {
        scope_.failed.emplace(name);
      }
      check_name(item, node.items[i], value);
      value.push_back(std::move(item));
    }
  }

  void check(bool holds, std::string_view name, const std::string& message,
             std::initializer_list<std::string_view> involved) override {
    if (holds || scope_.failed.contains(name) || context_.diagnostics.incomplete()) return;
    for (std::string_view other : involved) {
      if (scope_.failed.contains(other)) return;
    }
    const Entry* entry = scope_.node->find(name);
    context_.diagnostics.add(entry ? place_of(*entry) : where_, prefix() + message);
  }

 protected:
  void visit_value(std::string_view name, schema::FieldRef value, const Field& field) override {
    const Entry* entry = take(name, field);
    if (!entry) {
      if (field.required) missing(name, expected(value, field) + doc_of(field));
      return;
    }
    const Node* bad = nullptr;
    std::string message = bind_value(entry->value, value, field, bad);
    if (message.empty()) return;
    if (entry->value.kind == Node::Kind::kNull && !field.required) message += "; leave the key out for the default";
    fail(name, bad->where, message);
  }

 private:
  /// Notes that the section knows this key, and finds it.
  const Entry* take(std::string_view name, const Field& field) {
    scope_.keys.push_back({std::string(name), std::string(field.known_as)});
    return scope_.node->find(name);
  }

  std::string path_of(std::string_view name) const {
    return scope_.path.empty() ? std::string(name) : scope_.path + "." + std::string(name);
  }
  std::string prefix() const { return scope_.path.empty() ? "" : scope_.path + ": "; }
  static std::string doc_of(const Field& field) { return field.doc.empty() ? "" : " (" + std::string(field.doc) + ")"; }
  static const Location& place_of(const Entry& entry) {
    return entry.value.kind == Node::Kind::kScalar ? entry.value.where : entry.where;
  }
  static std::string type_names(const ComponentRegistry& registry) {
    std::vector<std::string> names;
    for (const ComponentType& type : registry.types()) names.push_back(type.name);
    return join_names(names, "or", 16);
  }

  void fail(std::string_view name, Location where, const std::string& message) {
    scope_.failed.emplace(name);
    context_.diagnostics.add(std::move(where), path_of(name) + ": " + message);
  }

  void missing(std::string_view name, const std::string& what) {
    scope_.failed.emplace(name);
    if (context_.diagnostics.incomplete()) return;
    context_.diagnostics.add(where_,
                             "missing key '" + std::string(name) + "' in " + scope_.title() + ": expected " + what);
  }

  /// Reads a component's type and then its options. False when it could not be read.
  bool bind_component(const std::string& path, const ComponentRegistry& registry, Component& value, const Node& node,
                      bool named) {
    const Node* type_node = &node;
    if (node.kind == Node::Kind::kMap) {
      const Entry* entry = node.find("type");
      if (!entry && value) return bind_options(path, registry, value, node, node.where, named);
      if (!entry) {
        context_.diagnostics.add(node.where, path + ": missing key 'type', which names the " + registry.kind() + ": " +
                                                 type_names(registry));
        return false;
      }
      type_node = &entry->value;
    }
    if (type_node->kind != Node::Kind::kScalar) {
      context_.diagnostics.add(type_node->where, path + ": expected the name of " + with_article(registry.kind()) +
                                                     " (" + type_names(registry) + "), got " +
                                                     describe_node(*type_node));
      return false;
    }
    const ComponentType* type = registry.find(type_node->text);
    if (!type) {
      context_.diagnostics.add(type_node->where, path + ": " + unknown_type(registry, type_node->text));
      return false;
    }
    if (value.type != type) value = {type, type->make_options(), {}, {}};
    value.where = type_node->where.source && type_node->where.source->kind() == Source::Kind::kCommandLine
                      ? "command line"
                      : type_node->where.to_string();
    return bind_options(path, registry, value, node.kind == Node::Kind::kMap ? node : empty_map(), type_node->where,
                        named);
  }

  bool bind_options(const std::string& path, const ComponentRegistry& registry, Component& value, const Node& node,
                    const Location& where, bool named) {
    Scope& scope = context_.scopes.emplace_back();
    scope.path = path;
    scope.node = &node;
    scope.registry = &registry;
    scope.type = value.type;
    scope.keys.push_back({"type", "name class kind"});
    size_t before = context_.diagnostics.problems().size();
    Binder nested(context_, scope, where);
    if (named) nested.field("name", value.name, {.doc = "what errors and saved weights call it"});
    value.type->describe(nested, value.options.get());
    return context_.diagnostics.problems().size() == before;
  }

  static std::string unknown_type(const ComponentRegistry& registry, const std::string& name) {
    std::vector<std::string> names;
    for (const ComponentType& type : registry.types()) names.push_back(type.name);
    std::string near = closest(name, names);
    return "there is no " + registry.kind() + " '" + name + "'; " +
           (near.empty() ? "there are " + join_names(names, "and", 80) : "did you mean '" + near + "'?");
  }

  void check_name(const Component& item, const Node& node, const std::vector<Component>& before) {
    if (item.name.empty()) return;
    const Entry* entry = node.find("name");
    const Location& where = entry ? entry->value.where : node.where;
    if (item.name.find('.') != std::string::npos || parse_int(item.name)) {
      context_.diagnostics.add(where, "a name holds no '.' and is no number, got '" + item.name + "'");
    }
    if (std::any_of(before.begin(), before.end(), [&](const Component& other) { return other.name == item.name; })) {
      context_.diagnostics.add(where, "the name '" + item.name + "' is taken by an earlier " + item.type->name);
    }
  }

  Context& context_;
  Scope& scope_;
  Location where_;
};

}  // namespace

void bind(const Node& root, const std::function<void(FieldVisitor&)>& describe, Diagnostics& diagnostics) {
  if (root.kind != Node::Kind::kMap && root.kind != Node::Kind::kNull) {
    diagnostics.add(root.where, "expected sections (key: value), got " + describe_node(root));
    return;
  }
  Context context{diagnostics, {}};
  Scope& scope = context.scopes.emplace_back();
  scope.node = root.kind == Node::Kind::kMap ? &root : &empty_map();
  Location top = root.where;
  Binder binder(context, scope, top);
  describe(binder);
  report_unknown_keys(context.scopes, diagnostics);
}

}  // namespace remote::config
