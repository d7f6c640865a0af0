#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "apps/config/source.h"

namespace remote::config {

struct Entry;

/// A configuration value with the place it came from. A plain tree: aliases are copied in, merges are done, keys are
/// unique. What a scalar's text means is decided by the field that it is bound to.
struct Node {
  enum class Kind { kNull, kScalar, kList, kMap };

  Kind kind = Kind::kNull;
  Location where;
  /// Of a scalar.
  std::string text;
  /// A quoted scalar is a string, whatever it looks like.
  bool quoted = false;
  std::vector<Node> items;
  std::vector<Entry> entries;

  Entry* find(std::string_view key);
  const Entry* find(std::string_view key) const;

  static Node scalar(std::string text, bool quoted = false);
  static Node list(std::vector<Node> items = {});
  static Node map();
  void add(std::string key, Node value);
};

struct Entry {
  std::string key;
  /// Of the key.
  Location where;
  Node value;
};

/// Whether two trees hold the same, places aside.
bool same_content(const Node& a, const Node& b);

/// What a node is, for "expected ..., got ...": "'abc'", "a list", "a section", "null".
std::string describe_node(const Node& node);

/// Writes the tree as YAML that reads back as the same tree. Lists of scalars, and list items that hold only scalars,
/// stand on one line.
std::string to_yaml(const Node& node);

}  // namespace remote::config
