#include "apps/config/node.h"

#include <algorithm>

#include "apps/config/scalar.h"

namespace remote::config {
namespace {

bool is_leaf(const Node& node) {
  if (node.kind == Node::Kind::kMap) return node.entries.empty();
  if (node.kind == Node::Kind::kList) {
    return std::all_of(node.items.begin(), node.items.end(), [](const Node& item) {
      return item.kind == Node::Kind::kScalar || item.kind == Node::Kind::kNull;
    });
  }
  return true;
}

bool fits_one_line(const Node& node) {
  return is_leaf(node) ||
         (node.kind == Node::Kind::kMap && std::all_of(node.entries.begin(), node.entries.end(),
                                                       [](const Entry& entry) { return is_leaf(entry.value); }));
}

std::string inline_yaml(const Node& node) {
  std::string text;
  switch (node.kind) {
    case Node::Kind::kNull:
      return "null";
    case Node::Kind::kScalar:
      return node.quoted ? quoted_scalar(node.text) : node.text;
    case Node::Kind::kList:
      for (const Node& item : node.items) text += (text.empty() ? "" : ", ") + inline_yaml(item);
      return "[" + text + "]";
    case Node::Kind::kMap:
      for (const Entry& entry : node.entries) {
        text += (text.empty() ? "" : ", ") + string_scalar(entry.key) + ": " + inline_yaml(entry.value);
      }
      return "{" + text + "}";
  }
  return text;
}

void write_block(const Node& node, size_t indent, std::string& out) {
  const std::string margin(indent, ' ');
  if (node.kind == Node::Kind::kMap) {
    for (const Entry& entry : node.entries) {
      out += margin + string_scalar(entry.key) + ":";
      if (is_leaf(entry.value)) {
        out += " " + inline_yaml(entry.value) + "\n";
      } else {
        out += "\n";
        write_block(entry.value, indent + 2, out);
      }
    }
    return;
  }
  for (const Node& item : node.items) {
    out += margin + "- ";
    if (fits_one_line(item)) {
      out += inline_yaml(item) + "\n";
    } else {
      std::string nested;
      write_block(item, indent + 2, nested);
      out += nested.substr(indent + 2);
    }
  }
}

}  // namespace

Entry* Node::find(std::string_view key) {
  auto found = std::find_if(entries.begin(), entries.end(), [&](const Entry& entry) { return entry.key == key; });
  return found == entries.end() ? nullptr : &*found;
}

const Entry* Node::find(std::string_view key) const { return const_cast<Node*>(this)->find(key); }

Node Node::scalar(std::string text, bool quoted) {
  Node node;
  node.kind = Kind::kScalar;
  node.text = std::move(text);
  node.quoted = quoted;
  return node;
}

Node Node::list(std::vector<Node> items) {
  Node node;
  node.kind = Kind::kList;
  node.items = std::move(items);
  return node;
}

Node Node::map() {
  Node node;
  node.kind = Kind::kMap;
  return node;
}

void Node::add(std::string key, Node value) { entries.push_back({std::move(key), {}, std::move(value)}); }

bool same_content(const Node& a, const Node& b) {
  return a.kind == b.kind && a.text == b.text && a.quoted == b.quoted &&
         std::equal(a.items.begin(), a.items.end(), b.items.begin(), b.items.end(), same_content) &&
         std::equal(a.entries.begin(), a.entries.end(), b.entries.begin(), b.entries.end(),
                    [](const Entry& x, const Entry& y) { return x.key == y.key && same_content(x.value, y.value); });
}

std::string describe_node(const Node& node) {
  switch (node.kind) {
    case Node::Kind::kNull:
      return "null";
    case Node::Kind::kList:
      return "a list";
    case Node::Kind::kMap:
      return "a section";
    case Node::Kind::kScalar:
      break;
  }
  constexpr size_t kShown = 60;
  std::string text = node.text.size() > kShown ? node.text.substr(0, kShown) + "..." : node.text;
  return node.quoted ? "the string \"" + text + "\"" : "'" + text + "'";
}

std::string to_yaml(const Node& node) {
  if (is_leaf(node)) return inline_yaml(node) + "\n";
  std::string out;
  write_block(node, 0, out);
  return out;
}

}  // namespace remote::config
