#pragma once
#include <functional>
#include <string>

#include <remote/train/schema/component_registry.h>

#include "apps/config/node.h"

namespace remote::config {

/// The tree of an option struct with all its values, defaults included: bound again it gives equal options.
Node to_node(const std::function<void(schema::FieldVisitor&)>& describe);

/// The reference of an option struct, for people: every key with its type, default, bounds and meaning.
std::string reference(const std::function<void(schema::FieldVisitor&)>& describe, size_t indent = 0);

/// The reference of one component.
std::string reference(const schema::ComponentType& type);

/// The types of a registry, one a line, with what each is.
std::string type_list(const schema::ComponentRegistry& registry);

}  // namespace remote::config
