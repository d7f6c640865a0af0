#pragma once
#include <deque>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <remote/train/schema/field_visitor.h>

namespace remote::schema {

/// The options of a component that has none.
struct NoFields {};

/// One thing that a config can name by `type:`: its options, how they are described, and names it answers to.
struct ComponentType {
  std::string name;
  /// One sentence without a full stop.
  std::string doc;
  std::function<std::shared_ptr<void>()> make_options;
  std::function<void(FieldVisitor&, void*)> describe;
};

/// A component as a config gave it: a type and its options. A value type; copies share the options, which nobody
/// changes after binding. Empty (no type) where an optional component was left out.
struct Component {
  const ComponentType* type = nullptr;
  std::shared_ptr<void> options;
  /// The `name:` key, or "".
  std::string name;
  /// Where the config names it, "configs/x.yaml:14:5"; "" when it comes from code.
  std::string where;

  explicit operator bool() const { return type != nullptr; }
  /// "Linear, configs/x.yaml:14:5".
  std::string label() const { return !type ? "" : where.empty() ? type->name : type->name + ", " + where; }
};

/// The types of one kind ("layer", "optimizer", ...) by name. Filled by explicit registration calls, then only read:
/// reading is thread-safe. Neither copied nor moved, because components point into it.
class ComponentRegistry {
 public:
  explicit ComponentRegistry(std::string kind) : kind_(std::move(kind)) {}
  ComponentRegistry(const ComponentRegistry&) = delete;
  ComponentRegistry& operator=(const ComponentRegistry&) = delete;
  virtual ~ComponentRegistry() = default;

  const std::string& kind() const { return kind_; }
  /// Finds PyTorch's exact name in any case, or in snake case: "BatchNorm2d", "batchnorm2d", "batch_norm2d". Null when
  /// there is none.
  const ComponentType* find(std::string_view name) const;
  /// In order of registration.
  const std::deque<ComponentType>& types() const { return types_; }
  /// A component of that type with its default options. Throws std::invalid_argument for an unknown name.
  Component make(std::string_view name) const;

 protected:
  const ComponentType& add_type(ComponentType type, std::initializer_list<std::string_view> aliases);

 private:
  static std::string normalised(std::string_view name);

  std::string kind_;
  std::deque<ComponentType> types_;
  std::unordered_map<std::string, const ComponentType*> by_name_;
};

/// A registry whose components can be built: `build` turns one into a Product, given the Context of the kind.
template <class Product, class... Context>
class Registry : public ComponentRegistry {
 public:
  using ComponentRegistry::ComponentRegistry;

  /// Adds a type. `defaults` are its options before a config changes them, `describe(FieldVisitor&, Options&)` their
  /// description, `build(const Options&, Context...)` the factory.
  template <class Options, class Describe, class Build>
  void add(std::string name, std::string doc, Options defaults, Describe describe, Build build,
           std::initializer_list<std::string_view> aliases = {}) {
    const ComponentType& type = add_type(
        {std::move(name), std::move(doc),
         [defaults = std::move(defaults)]() -> std::shared_ptr<void> { return std::make_shared<Options>(defaults); },
         [describe](FieldVisitor& visitor, void* options) { describe(visitor, *static_cast<Options*>(options)); }},
        aliases);
    builders_[&type] = [build](const Component& component, Context... context) -> Product {
      return build(*static_cast<const Options*>(component.options.get()), context...);
    };
  }

  /// Builds a component of this registry. Throws std::invalid_argument for one that is empty or of another registry;
  /// whatever the factory throws passes.
  Product build(const Component& component, Context... context) const {
    auto builder = builders_.find(component.type);
    if (builder == builders_.end()) {
      throw std::invalid_argument(component ? component.type->name + " is no " + kind()
                                            : "no " + kind() + " was given");
    }
    return builder->second(component, context...);
  }

 private:
  std::unordered_map<const ComponentType*, std::function<Product(const Component&, Context...)>> builders_;
};

/// The options of a component that is known to be of the type that has them.
template <class Options>
const Options& options_of(const Component& component) {
  return *static_cast<const Options*>(component.options.get());
}

}  // namespace remote::schema
