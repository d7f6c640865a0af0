#include "apps/config/bind_scope.h"

#include <algorithm>

#include "apps/config/suggest.h"

namespace remote::config {
namespace {

/// Collects the names of an option struct's fields.
class KeyCollector : public schema::FieldVisitor {
 public:
  std::vector<std::string> keys;

  void section(std::string_view name, const std::function<void(FieldVisitor&)>&, const schema::Field&) override {
    keys.emplace_back(name);
  }
  void component(std::string_view name, const schema::ComponentRegistry&, schema::Component&,
                 const schema::Field&) override {
    keys.emplace_back(name);
  }
  void components(std::string_view name, const schema::ComponentRegistry&, std::vector<schema::Component>&,
                  const schema::Field&) override {
    keys.emplace_back(name);
  }

 protected:
  void visit_value(std::string_view name, schema::FieldRef, const schema::Field&) override { keys.emplace_back(name); }
};

bool contains_word(const std::string& words, std::string_view word) {
  std::string_view rest = words;
  while (!rest.empty()) {
    size_t space = rest.find(' ');
    if (rest.substr(0, space) == word) return true;
    if (space == std::string_view::npos) break;
    rest.remove_prefix(space + 1);
  }
  return false;
}

std::string suggestion(const std::string& key, const Scope& scope, const std::deque<Scope>& scopes) {
  for (const Scope::Key& known : scope.keys) {
    if (same_spelling(known.name, key) || contains_word(known.known_as, key) || edit_distance(known.name, key) == 1) {
      return "did you mean '" + known.name + "'?";
    }
  }
  std::vector<std::string> homes;
  for (const Scope& other : scopes) {
    if (other.path == scope.path || !other.knows(key)) continue;
    // Elements of a list hold the keys of one layer each: no place for a stray key.
    if (other.path.find_first_of("0123456789") != std::string::npos && other.registry) continue;
    homes.push_back(other.path.empty() ? "the top level" : "'" + other.path + "'");
  }
  if (!homes.empty()) return "it belongs under " + join_names(homes);
  if (std::string near = closest(key, scope.key_names()); !near.empty()) return "did you mean '" + near + "'?";
  if (scope.registry) {
    std::vector<std::string> owners;
    for (const schema::ComponentType& type : scope.registry->types()) {
      KeyCollector collector;
      type.describe(collector, type.make_options().get());
      if (std::find(collector.keys.begin(), collector.keys.end(), key) != collector.keys.end())
        owners.push_back(type.name);
    }
    if (!owners.empty()) return "it is a key of " + join_names(owners, "and", 4);
  }
  for (const Scope& other : scopes) {
    for (const Scope::Key& known : other.keys) {
      if (contains_word(known.known_as, key)) {
        return "did you mean '" + known.name + "' under " +
               (other.path.empty() ? "the top level" : "'" + other.path + "'") + "?";
      }
    }
  }
  return scope.keys.empty() ? "it has no keys" : "its keys are " + join_names(scope.key_names(), "and", 24);
}

}  // namespace

std::vector<std::string> Scope::key_names() const {
  std::vector<std::string> names;
  for (const Key& key : keys) names.push_back(key.name);
  return names;
}

bool Scope::knows(std::string_view key) const {
  return std::any_of(keys.begin(), keys.end(), [&](const Key& known) { return known.name == key; });
}

std::string Scope::title() const {
  if (type) return registry->kind() + " " + type->name;
  return path.empty() ? "the top level" : "section '" + path + "'";
}

void report_unknown_keys(const std::deque<Scope>& scopes, Diagnostics& diagnostics) {
  for (const Scope& scope : scopes) {
    if (!scope.node) continue;
    for (const Entry& entry : scope.node->entries) {
      if (scope.knows(entry.key)) continue;
      diagnostics.add(entry.where, "unknown key '" + entry.key + "' in " + scope.title() + "; " +
                                       suggestion(entry.key, scope, scopes));
    }
  }
}

}  // namespace remote::config
