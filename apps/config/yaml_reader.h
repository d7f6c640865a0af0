#pragma once
#include <memory>

#include "apps/config/diagnostics.h"
#include "apps/config/node.h"

namespace remote::config {

/// Parses one YAML document into a tree that keeps its places. Aliases and merge keys (`<<: *base`) are resolved; a key
/// of the map wins over a merged one. Problems (syntax, duplicate keys, tags, a second document) go to `diagnostics`;
/// after a syntax error the tree is what was read until then. An empty document gives a null node. Never throws for bad
/// input.
Node read_yaml(const std::shared_ptr<const Source>& source, Diagnostics& diagnostics);

}  // namespace remote::config
