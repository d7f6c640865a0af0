#include "apps/config/writer.h"

#include <algorithm>

#include "apps/config/bind_value.h"
#include "apps/config/scalar.h"
#include "apps/config/suggest.h"

namespace remote::config {
namespace {

using schema::Component;
using schema::ComponentRegistry;
using schema::ComponentType;
using schema::Dims;
using schema::Field;
using schema::FieldRef;
using schema::FieldVisitor;

Node scalar_node(bool value) { return Node::scalar(value ? "true" : "false"); }
Node scalar_node(int64_t value) { return Node::scalar(std::to_string(value)); }
Node scalar_node(double value) { return Node::scalar(float_scalar(value)); }
Node scalar_node(const std::string& value) { return Node::scalar(value, needs_quotes(value)); }

template <class Range>
Node list_node(const Range& values) {
  Node node = Node::list();
  for (const auto& value : values) node.items.push_back(scalar_node(value));
  return node;
}

struct ValueWriter {
  template <class T>
  Node operator()(T* value) const {
    return scalar_node(*value);
  }
  template <class T>
  Node operator()(std::optional<T>* value) const {
    return *value ? scalar_node(**value) : Node();
  }
  template <class T>
  Node operator()(std::vector<T>* value) const {
    return list_node(*value);
  }
  Node operator()(std::span<double> value) const { return list_node(value); }
  Node operator()(Dims* value) const {
    if (!value->word.empty()) return scalar_node(value->word);
    if (value->values.empty()) return Node();
    bool same = std::all_of(value->values.begin(), value->values.end(),
                            [&](int64_t element) { return element == value->values.front(); });
    return same ? scalar_node(value->values.front()) : list_node(value->values);
  }
};

class TreeWriter : public FieldVisitor {
 public:
  explicit TreeWriter(Node& node) : node_(node) {}

  void section(std::string_view name, const std::function<void(FieldVisitor&)>& describe, const Field&) override {
    node_.add(std::string(name), to_node(describe));
  }
  void component(std::string_view name, const ComponentRegistry&, Component& value, const Field&) override {
    node_.add(std::string(name), component_node(value));
  }
  void components(std::string_view name, const ComponentRegistry&, std::vector<Component>& value,
                  const Field&) override {
    Node list = Node::list();
    for (const Component& item : value) list.items.push_back(component_node(item));
    node_.add(std::string(name), std::move(list));
  }

 protected:
  void visit_value(std::string_view name, FieldRef value, const Field&) override {
    node_.add(std::string(name), std::visit(ValueWriter(), value));
  }

 private:
  static Node component_node(const Component& component) {
    if (!component) return Node();
    Node node = Node::map();
    node.add("type", scalar_node(component.type->name));
    if (!component.name.empty()) node.add("name", scalar_node(component.name));
    TreeWriter nested(node);
    component.type->describe(nested, component.options.get());
    return node;
  }

  Node& node_;
};

class ReferenceWriter : public FieldVisitor {
 public:
  explicit ReferenceWriter(size_t indent) : indent_(indent) {}
  std::string text;

  void section(std::string_view name, const std::function<void(FieldVisitor&)>& describe, const Field& field) override {
    line(name, "a section", field, {});
    text += reference(describe, indent_ + 2);
  }
  void component(std::string_view name, const ComponentRegistry& registry, Component& value,
                 const Field& field) override {
    Field shown = field;
    if (value) shown.required = false;
    line(name, with_article(registry.kind()) + ": {type: ...}", shown,
         value            ? value.type->name
         : field.required ? ""
                          : "null");
  }
  void components(std::string_view name, const ComponentRegistry& registry, std::vector<Component>&,
                  const Field& field) override {
    line(name, "a list of " + registry.kind() + "s", field, {});
  }

 protected:
  void visit_value(std::string_view name, FieldRef value, const Field& field) override {
    line(name, expected(value, field), field, field.required ? "" : value_text(value));
  }

 private:
  static std::string value_text(FieldRef value) {
    std::string yaml = to_yaml(std::visit(ValueWriter(), value));
    yaml.pop_back();
    return yaml;
  }

  void line(std::string_view name, const std::string& type, const Field& field, const std::string& value) {
    text += std::string(indent_, ' ') + std::string(name) + ": " + type;
    if (!field.unit.empty()) text += ", in " + std::string(field.unit);
    if (field.required) text += " (required)";
    if (!value.empty()) text += " (default " + value + ")";
    text += "\n";
    if (!field.doc.empty()) text += std::string(indent_ + 4, ' ') + std::string(field.doc) + "\n";
  }

  size_t indent_;
};

}  // namespace

Node to_node(const std::function<void(FieldVisitor&)>& describe) {
  Node node = Node::map();
  TreeWriter writer(node);
  describe(writer);
  return node;
}

std::string reference(const std::function<void(FieldVisitor&)>& describe, size_t indent) {
  ReferenceWriter writer(indent);
  describe(writer);
  return writer.text;
}

std::string reference(const ComponentType& type) {
  auto options = type.make_options();
  std::string fields = reference([&](FieldVisitor& visitor) { type.describe(visitor, options.get()); }, 2);
  return type.name + ": " + type.doc + "\n" + (fields.empty() ? "  (no options)\n" : fields);
}

std::string type_list(const ComponentRegistry& registry) {
  size_t width = 0;
  for (const ComponentType& type : registry.types()) width = std::max(width, type.name.size());
  std::string text;
  for (const ComponentType& type : registry.types()) {
    text += "  " + type.name + std::string(width - type.name.size() + 2, ' ') + type.doc + "\n";
  }
  return text;
}

}  // namespace remote::config
