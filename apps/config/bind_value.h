#pragma once
#include <string>
#include <string_view>

#include <remote/train/schema/field_visitor.h>

#include "apps/config/node.h"

namespace remote::config {

/// Reads a node into a field. Returns "" or what was expected and what came, without the field's name; the field is
/// unchanged then. `bad` is the node to point at, the element of a list for instance.
std::string bind_value(const Node& node, schema::FieldRef value, const schema::Field& field, const Node*& bad);

/// What a field takes, for messages and the reference: "a whole number >= 1", "one of 'none' and 'tanh'".
std::string expected(schema::FieldRef value, const schema::Field& field);

}  // namespace remote::config
