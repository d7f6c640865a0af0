#pragma once
#include <deque>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include <remote/train/schema/component_registry.h>

#include "apps/config/diagnostics.h"
#include "apps/config/node.h"

namespace remote::config {

/// One section of the configuration while and after it is bound: the keys it knows beside the keys it got.
struct Scope {
  /// "trainer", "model.layers.1"; "" at the top.
  std::string path;
  const Node* node = nullptr;
  /// Set where the section is a component.
  const schema::ComponentRegistry* registry = nullptr;
  const schema::ComponentType* type = nullptr;

  struct Key {
    std::string name;
    std::string known_as;
  };
  std::vector<Key> keys;
  /// Keys whose value could not be read.
  std::set<std::string, std::less<>> failed;

  std::vector<std::string> key_names() const;
  bool knows(std::string_view key) const;
  /// "section 'trainer'", "optimizer AdamW", "the top level".
  std::string title() const;
};

/// Adds a problem for every key that no field asked for, with the best suggestion: another spelling, the name another
/// tool uses, the section where the key belongs, the component that has it, the nearest name.
void report_unknown_keys(const std::deque<Scope>& scopes, Diagnostics& diagnostics);

}  // namespace remote::config
