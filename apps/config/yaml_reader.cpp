#include "apps/config/yaml_reader.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <sstream>
#include <unordered_map>

namespace remote::config {
namespace {

/// Bounds that no honest configuration reaches: an alias of aliases can grow without end.
constexpr size_t kMaxNodes = 200'000;
constexpr size_t kMaxDepth = 64;

class Stopped : public std::exception {};

size_t count_nodes(const Node& node) {
  size_t count = 1;
  for (const Node& item : node.items) count += count_nodes(item);
  for (const Entry& entry : node.entries) count += count_nodes(entry.value);
  return count;
}

/// Builds the tree from the parser's events.
class TreeBuilder : public YAML::EventHandler {
 public:
  TreeBuilder(std::shared_ptr<const Source> source, Diagnostics& diagnostics)
      : source_(std::move(source)), diagnostics_(diagnostics) {}

  Node take_root() { return std::move(root_); }

  /// Keeps what a syntax error left whole: a flow list or map that was not closed is dropped, block sections stay with
  /// the entries they had.
  void close_all() {
    auto first_flow = std::find_if(open_.begin(), open_.end(), [](const Open& open) { return open.flow; });
    open_.erase(first_flow, open_.end());
    while (!open_.empty()) close();
  }

  /// The innermost '[' or '{' that is open; null when none is.
  const Node* open_bracket() const { return open_.empty() || !open_.back().flow ? nullptr : &open_.back().node; }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Node node;
    node.where = at(mark, 1);
    place(std::move(node), anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    auto found = anchors_.find(anchor);
    if (found == anchors_.end()) {
      diagnostics_.add(at(mark, 1), "this alias stands inside the value that it refers to");
      throw Stopped();
    }
    nodes_ += count_nodes(found->second);
    check_size(mark);
    place(found->second, 0);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    Node node = Node::scalar(value);
    node.where = at(mark, 1);
    // The mark stands on the opening quote; the text may differ from what the file says, so take the length from there.
    std::string_view line = source_->line(node.where.line);
    size_t begin = node.where.column - 1;
    if (begin < line.size() && (line[begin] == '"' || line[begin] == '\'')) {
      size_t end = end_of_quoted(line.data() + begin);
      // The parser takes the end of the file for a closing quote.
      if (end == std::string_view::npos) {
        diagnostics_.add(node.where, "YAML syntax: the closing quote is missing");
        throw Stopped();
      }
      node.where.length = std::min(end, line.size() - begin);
    } else {
      node.where.length = value.find('\n') == std::string::npos ? std::max<size_t>(1, value.size()) : 1;
    }
    node.quoted = tag == "!" || tag == "tag:yaml.org,2002:str";
    check_tag(tag, mark);
    place(std::move(node), anchor);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value style) override {
    check_tag(tag, mark);
    open(Node::list(), mark, anchor, style);
  }
  void OnSequenceEnd() override { close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value style) override {
    check_tag(tag, mark);
    open(Node::map(), mark, anchor, style);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Open {
    Node node;
    YAML::anchor_t anchor;
    /// Written with brackets.
    bool flow = false;
    bool has_key = false;
    Node key;
    std::vector<Node> merged;
  };

  Location at(const YAML::Mark& mark, size_t length) const {
    if (mark.is_null()) return {source_, 0, 0, 1};
    return {source_, static_cast<size_t>(mark.line) + 1, static_cast<size_t>(mark.column) + 1, length};
  }

  /// The length of the quoted scalar that begins at this place of the text; npos when it never ends.
  size_t end_of_quoted(const char* begin) const {
    std::string_view rest(begin, static_cast<size_t>(source_->text().data() + source_->text().size() - begin));
    char quote = rest[0];
    for (size_t i = 1; i < rest.size(); ++i) {
      if (quote == '"' && rest[i] == '\\') {
        ++i;
      } else if (rest[i] == quote) {
        if (quote == '"' || i + 1 == rest.size() || rest[i + 1] != quote) return i + 1;
        ++i;
      }
    }
    return std::string_view::npos;
  }

  void check_tag(const std::string& tag, const YAML::Mark& mark) {
    if (tag.empty() || tag == "?" || tag == "!" || tag.starts_with("tag:yaml.org,2002:")) return;
    diagnostics_.add(at(mark, 1), "the tag '" + tag + "' has no meaning in a configuration");
  }

  void check_size(const YAML::Mark& mark) {
    if (nodes_ <= kMaxNodes) return;
    diagnostics_.add(at(mark, 1), "the configuration has more than " + std::to_string(kMaxNodes) + " values");
    throw Stopped();
  }

  void open(Node node, const YAML::Mark& mark, YAML::anchor_t anchor, YAML::EmitterStyle::value style) {
    node.where = at(mark, 1);
    if (open_.size() == kMaxDepth) {
      diagnostics_.add(node.where, "sections are nested more than " + std::to_string(kMaxDepth) + " deep");
      throw Stopped();
    }
    open_.push_back({std::move(node), anchor, style == YAML::EmitterStyle::Flow, false, {}, {}});
  }

  void close() {
    Open closed = std::move(open_.back());
    open_.pop_back();
    for (Node& merged : closed.merged) {
      for (Entry& entry : merged.entries) {
        if (!closed.node.find(entry.key)) closed.node.entries.push_back(std::move(entry));
      }
    }
    place(std::move(closed.node), closed.anchor);
  }

  void place(Node node, YAML::anchor_t anchor) {
    ++nodes_;
    if (anchor != 0) anchors_[anchor] = node;
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Open& parent = open_.back();
    if (parent.node.kind == Node::Kind::kList) {
      parent.node.items.push_back(std::move(node));
    } else if (!parent.has_key) {
      parent.key = std::move(node);
      parent.has_key = true;
    } else {
      parent.has_key = false;
      add_entry(parent, std::move(parent.key), std::move(node));
    }
  }

  void add_entry(Open& parent, Node key, Node value) {
    if (key.kind != Node::Kind::kScalar) {
      diagnostics_.add(key.where, "expected a word as key, got " + describe_node(key));
      return;
    }
    if (key.text == "<<" && !key.quoted) {
      merge(parent, std::move(value));
      return;
    }
    // A value that isn't there has a place nobody would look at.
    if (value.kind == Node::Kind::kNull) value.where = key.where;
    if (const Entry* first = parent.node.find(key.text)) {
      diagnostics_.add(key.where, "the key '" + key.text + "' stands here a second time; first in line " +
                                      std::to_string(first->where.line));
      return;
    }
    parent.node.entries.push_back({key.text, key.where, std::move(value)});
  }

  void merge(Open& parent, Node value) {
    if (value.kind == Node::Kind::kMap) {
      parent.merged.push_back(std::move(value));
    } else if (value.kind == Node::Kind::kList) {
      for (Node& item : value.items) merge(parent, std::move(item));
    } else {
      diagnostics_.add(value.where, "expected a section to merge after '<<', got " + describe_node(value));
    }
  }

  std::shared_ptr<const Source> source_;
  Diagnostics& diagnostics_;
  std::vector<Open> open_;
  std::unordered_map<YAML::anchor_t, Node> anchors_;
  size_t nodes_ = 0;
  Node root_;
};

/// The parser's words, and what they usually mean.
std::string syntax_message(const std::string& message, const Node* bracket) {
  auto is = [&](const char* text) { return message == text; };
  if (is(YAML::ErrorMsg::EOF_IN_SCALAR)) return "the closing quote is missing";
  if (bracket) {
    return std::string("the '") + (bracket->kind == Node::Kind::kList ? '[' : '{') + "' in line " +
           std::to_string(bracket->where.line) + ", column " + std::to_string(bracket->where.column) +
           " is not closed, or lacks a comma (" + message + ")";
  }
  if (is(YAML::ErrorMsg::END_OF_MAP) || is(YAML::ErrorMsg::MAP_VALUE) || is(YAML::ErrorMsg::MAP_KEY)) {
    return "expected 'key: value', indented like the keys of its section (" + message + ")";
  }
  if (is(YAML::ErrorMsg::END_OF_SEQ) || is(YAML::ErrorMsg::BLOCK_ENTRY)) {
    return "expected '- item', indented like the items before (" + message + ")";
  }
  if (is(YAML::ErrorMsg::UNKNOWN_TOKEN)) return "a value can't begin with this character; put it in quotes";
  return message;
}

void report_syntax_error(const YAML::Exception& error, const std::shared_ptr<const Source>& source, const Node* bracket,
                         Diagnostics& diagnostics) {
  Location where{source, 0, 0, 1};
  if (!error.mark.is_null()) {
    where.line = static_cast<size_t>(error.mark.line) + 1;
    where.column = static_cast<size_t>(error.mark.column) + 1;
  }
  std::string_view line = source->line(where.line);
  size_t indentation = line.substr(0, line.find_first_not_of(" \t")).find('\t');
  if (indentation != std::string_view::npos) {
    where.column = indentation + 1;
    diagnostics.add(where, "YAML syntax: a tab in the indentation; YAML wants spaces");
  } else {
    diagnostics.add(where, "YAML syntax: " + syntax_message(error.msg, bracket));
  }
}

}  // namespace

Node read_yaml(const std::shared_ptr<const Source>& source, Diagnostics& diagnostics) {
  TreeBuilder builder(source, diagnostics);
  std::istringstream stream(source->text());
  try {
    YAML::Parser parser(stream);
    parser.HandleNextDocument(builder);
    Node root = builder.take_root();
    Diagnostics ignored;
    TreeBuilder second(source, ignored);
    if (parser.HandleNextDocument(second)) {
      diagnostics.add(second.take_root().where, "a second document begins here; a configuration is one document");
    }
    return root;
  } catch (const YAML::Exception& error) {
    report_syntax_error(error, source, builder.open_bracket(), diagnostics);
  } catch (const Stopped&) {
  }
  diagnostics.set_incomplete();
  builder.close_all();
  return builder.take_root();
}

}  // namespace remote::config
