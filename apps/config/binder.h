#pragma once
#include <deque>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include <remote/train/schema/component_registry.h>
#include <remote/train/schema/field_visitor.h>

#include "apps/config/diagnostics.h"
#include "apps/config/node.h"

namespace remote::config {

/// Fills option structs from a configuration tree, by their descriptions. Every mistake goes to `diagnostics` with its
/// place; a field that could not be read keeps its default. Options are usable only when no problem was added.
void bind(const Node& root, const std::function<void(schema::FieldVisitor&)>& describe, Diagnostics& diagnostics);

}  // namespace remote::config
