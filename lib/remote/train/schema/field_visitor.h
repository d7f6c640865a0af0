#pragma once
#include <concepts>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace remote::schema {

class ComponentRegistry;
struct Component;

/// Integers, one per spatial dimension, that a config may give as one number for all of them (`kernel_size: 3`) or one
/// each (`[3, 5]`). Where the field names words in Field::choices, one of those may stand instead (`padding: same`).
struct Dims {
  size_t dims = 1;
  /// Empty while not given (or a word is).
  std::vector<int64_t> values;
  std::string word;

  static Dims filled(size_t dims, int64_t value) { return {dims, std::vector<int64_t>(dims, value), {}}; }
  static Dims unset(size_t dims) { return {dims, {}, {}}; }
  bool given() const { return !values.empty() || !word.empty(); }
  friend bool operator==(const Dims&, const Dims&) = default;
};

/// What is said about one field beside its name, value and type. Everything has a default.
struct Field {
  /// One sentence without a full stop, for `--help-config`.
  std::string_view doc = {};
  /// "steps", "seconds", ...; empty where the number counts what the name says.
  std::string_view unit = {};
  bool required = false;
  /// Bounds of a number, or of each number in a list. `above` excludes the bound itself.
  std::optional<double> min = std::nullopt;
  std::optional<double> above = std::nullopt;
  std::optional<double> max = std::nullopt;
  std::optional<double> below = std::nullopt;
  /// The words a string may be; empty for any.
  std::vector<std::string> choices = {};
  /// Names that other tools use for this, separated by spaces: only for suggestions.
  std::string_view known_as = {};
  /// For lists: how many elements; 0 for any number. `scalar_is_list` takes one bare value as a list of one.
  size_t list_size = 0;
  bool scalar_is_list = false;
};

/// A field's value, by reference to the option struct. Optional types may be null in a config.
using FieldRef = std::variant<bool*, int64_t*, double*, std::string*, std::optional<bool>*, std::optional<int64_t>*,
                              std::optional<double>*, std::optional<std::string>*, std::vector<int64_t>*,
                              std::vector<double>*, std::vector<std::string>*, std::span<double>, Dims*>;

/// Walks the fields of an option struct. Every option struct of a run has a free function
/// `describe(FieldVisitor&, Options&)`, free of YAML; a visitor that reads binds a config to it, one that writes prints
/// the resolved config, one that documents prints the reference. One description, many outputs.
///
/// The order of calls is the order in which fields are printed. Names are those of the config file. A description must
/// make the same calls whatever the values are, checks excepted.
class FieldVisitor {
 public:
  virtual ~FieldVisitor() = default;

  /// One value. Other integer types than int64_t get the bounds of their type.
  template <class T>
  void field(std::string_view name, T& value, Field field = {}) {
    if constexpr (std::constructible_from<FieldRef, T*>) {
      visit_value(name, FieldRef(&value), field);
    } else if constexpr (std::integral<T>) {
      if (!field.min && !field.above) {
        field.min = std::is_signed_v<T> ? static_cast<double>(std::numeric_limits<T>::min()) : 0.0;
      }
      if (sizeof(T) < sizeof(int64_t) && !field.max) field.max = static_cast<double>(std::numeric_limits<T>::max());
      auto wide = static_cast<int64_t>(value);
      visit_value(name, FieldRef(&wide), field);
      value = static_cast<T>(wide);
    } else {
      visit_value(name, FieldRef(std::span<double>(value)), field);
    }
  }

  /// An enumeration, by the names that a config uses.
  template <class Enum>
  void choice(std::string_view name, Enum& value, std::initializer_list<std::pair<const char*, Enum>> names,
              Field field = {}) {
    std::string word;
    for (const auto& [text, candidate] : names) {
      field.choices.emplace_back(text);
      if (candidate == value) word = text;
    }
    visit_value(name, FieldRef(&word), field);
    for (const auto& [text, candidate] : names) {
      if (word == text) value = candidate;
    }
  }

  /// A nested section: `describe` walks its fields. Sections have defaults and may be left out, unless a field in them
  /// is required.
  virtual void section(std::string_view name, const std::function<void(FieldVisitor&)>& describe,
                       const Field& field = {}) = 0;

  /// `type: Name` with that type's options beside it. When not required, the component may be null or left out, and is
  /// then empty; a component that has a type before binding keeps it as the default.
  virtual void component(std::string_view name, const ComponentRegistry& registry, Component& value,
                         const Field& field = {}) = 0;

  /// A list of components; each may carry a `name`.
  virtual void components(std::string_view name, const ComponentRegistry& registry, std::vector<Component>& value,
                          const Field& field = {}) = 0;

  /// A rule over several fields, called after them. `name` is the field to point at, `involved` the others it depends
  /// on: where one of them could not be read, the rule is not judged.
  virtual void check(bool holds, std::string_view name, const std::string& message,
                     std::initializer_list<std::string_view> involved = {}) {}

 protected:
  virtual void visit_value(std::string_view name, FieldRef value, const Field& field) = 0;
};

}  // namespace remote::schema
