#pragma once
#include <string>
#include <vector>

#include "apps/config/diagnostics.h"
#include "apps/config/node.h"

namespace remote::config {

/// Applies overrides of the command line, in order, the last one winning:
///   section.key=value            the value as YAML: a number, a word, [1, 2], {type: SGD, lr: 0.1}, null
///   model.layers.1.out_features=10   a number picks an element of a list, from 0
///   ~section.key                 removes what the file says, so that the default holds
/// A component written as a bare name ("loss: MSELoss") becomes a section when one of its options is set. Keys that
/// exist nowhere are found later, by the binder. Problems point at "command line: section.key=value".
void apply_overrides(Node& root, const std::vector<std::string>& overrides, Diagnostics& diagnostics);

/// Whether an argument of the command line looks like an override.
bool is_override(const std::string& argument);

}  // namespace remote::config
