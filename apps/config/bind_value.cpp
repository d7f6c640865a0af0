#include "apps/config/bind_value.h"

#include <algorithm>
#include <cmath>

#include "apps/config/scalar.h"
#include "apps/config/suggest.h"

namespace remote::config {
namespace {

using schema::Dims;
using schema::Field;
using schema::FieldRef;

std::string number(double value) {
  if (value == std::floor(value) && std::abs(value) < 1e15) return std::to_string(static_cast<int64_t>(value));
  return float_scalar(value);
}

std::string bounds(const Field& field) {
  std::string text;
  auto add = [&](const char* sign, const std::optional<double>& bound) {
    if (bound) text += (text.empty() ? " " : " and ") + std::string(sign) + " " + number(*bound);
  };
  add(">=", field.min);
  add(">", field.above);
  add("<=", field.max);
  add("<", field.below);
  return text;
}

bool within(double value, const Field& field) {
  // Written so that NaN fails where there is any bound.
  return (!field.min || value >= *field.min) && (!field.above || value > *field.above) &&
         (!field.max || value <= *field.max) && (!field.below || value < *field.below);
}

std::string quoted_choices(const Field& field) {
  std::vector<std::string> words;
  for (const std::string& word : field.choices) words.push_back("'" + word + "'");
  return join_names(words);
}

/// Reads scalars of one type; the overloads that follow do the rest for every type alike.
bool read_plain(const Node& node, bool& out) {
  auto value = node.quoted ? std::nullopt : parse_bool(node.text);
  if (value) out = *value;
  return value.has_value();
}
bool read_plain(const Node& node, int64_t& out) {
  auto value = node.quoted ? std::nullopt : parse_int(node.text);
  if (value) out = *value;
  return value.has_value();
}
bool read_plain(const Node& node, double& out) {
  auto value = node.quoted ? std::nullopt : parse_float(node.text);
  if (value) out = *value;
  return value.has_value();
}
bool read_plain(const Node& node, std::string& out) {
  // A plain number is a number: `path: 12` is more likely a slip than a file's name.
  if (!node.quoted && (parse_float(node.text) || parse_bool(node.text))) return false;
  out = node.text;
  return true;
}

std::string type_words(bool) { return "true or false"; }
std::string type_words(int64_t) { return "a whole number"; }
std::string type_words(double) { return "a number"; }
std::string type_words(const std::string&) { return "a string"; }

/// What could be written instead, where that is plain to see.
template <class T>
std::string hint(const Node& node, const T&) {
  if (node.kind != Node::Kind::kScalar) return {};
  if constexpr (std::is_same_v<T, bool>) {
    if (same_spelling(node.text, "yes") || same_spelling(node.text, "on")) return "; write true";
    if (same_spelling(node.text, "no") || same_spelling(node.text, "off")) return "; write false";
  }
  if constexpr (std::is_same_v<T, int64_t>) {
    auto value = parse_float(node.text);
    if (value && *value == std::floor(*value) && std::abs(*value) < 1e15) return "; write " + number(*value);
    std::string digits = node.text;
    std::erase(digits, '_');
    if (!node.text.empty() && parse_int(digits)) return "; write " + digits;
  }
  if constexpr (std::is_same_v<T, int64_t> || std::is_same_v<T, double> || std::is_same_v<T, bool>) {
    if (node.quoted) return "; leave the quotes out";
  }
  if constexpr (std::is_same_v<T, std::string>) return "; put it in quotes if it is meant";
  return {};
}

template <class T>
std::string words(const Field& field, const T& sample) {
  if constexpr (std::is_same_v<T, std::string>) {
    if (!field.choices.empty()) return "one of " + quoted_choices(field);
  }
  return type_words(sample) + bounds(field);
}

template <class T>
std::string read_scalar(const Node& node, T& out, const Field& field) {
  T value{};
  if (node.kind != Node::Kind::kScalar || !read_plain(node, value)) {
    return "expected " + words(field, value) + ", got " + describe_node(node) + hint(node, value);
  }
  if constexpr (std::is_same_v<T, int64_t> || std::is_same_v<T, double>) {
    if (!within(static_cast<double>(value), field)) return "expected " + words(field, value) + ", got " + node.text;
  }
  if constexpr (std::is_same_v<T, std::string>) {
    if (!field.choices.empty() && std::find(field.choices.begin(), field.choices.end(), value) == field.choices.end()) {
      std::string near = closest(value, field.choices);
      return "expected one of " + quoted_choices(field) + ", got " + describe_node(node) +
             (near.empty() ? "" : "; did you mean '" + near + "'?");
    }
  }
  out = std::move(value);
  return {};
}

std::string list_words(size_t size, const std::string& element) {
  return (size ? "a list of " + std::to_string(size) + " values, each " : "a list, each value ") + element;
}

template <class T>
std::string read_list(const Node& node, std::vector<T>& out, const Field& field, size_t size, bool scalar_is_list,
                      const Node*& bad) {
  std::vector<T> values;
  if (node.kind == Node::Kind::kList) {
    for (const Node& item : node.items) {
      T value{};
      if (std::string message = read_scalar(item, value, field); !message.empty()) {
        bad = &item;
        return message;
      }
      values.push_back(std::move(value));
    }
  } else if (scalar_is_list && node.kind == Node::Kind::kScalar) {
    T value{};
    if (std::string message = read_scalar(node, value, field); !message.empty()) return message;
    values.push_back(std::move(value));
  } else {
    return "expected " + list_words(size, words(field, T{})) + ", got " + describe_node(node);
  }
  if (size && values.size() != size) {
    return "expected a list of " + std::to_string(size) + " values, got " + std::to_string(values.size());
  }
  out = std::move(values);
  return {};
}

std::string read_dims(const Node& node, Dims& out, const Field& field, const Node*& bad) {
  Dims read = Dims::unset(out.dims);
  if (node.kind == Node::Kind::kNull && !field.required && !out.given()) return {};
  if (node.kind == Node::Kind::kScalar) {
    if (std::find(field.choices.begin(), field.choices.end(), node.text) != field.choices.end()) {
      read.word = node.text;
      out = read;
      return {};
    }
    int64_t value = 0;
    if (!read_scalar(node, value, field).empty()) {
      return "expected " + expected(FieldRef(&out), field) + ", got " + describe_node(node) + hint(node, value);
    }
    out = Dims::filled(out.dims, value);
    return {};
  }
  std::string message = read_list(node, read.values, field, out.dims, false, bad);
  if (message.empty()) out = read;
  return message;
}

struct Reader {
  const Node& node;
  const Field& field;
  const Node*& bad;

  template <class T>
  std::string operator()(T* value) const {
    return read_scalar(node, *value, field);
  }
  template <class T>
  std::string operator()(std::optional<T>* value) const {
    if (node.kind == Node::Kind::kNull) {
      value->reset();
      return {};
    }
    T read{};
    std::string message = read_scalar(node, read, field);
    if (message.empty()) *value = std::move(read);
    return message;
  }
  template <class T>
  std::string operator()(std::vector<T>* value) const {
    return read_list(node, *value, field, field.list_size, field.scalar_is_list, bad);
  }
  std::string operator()(std::span<double> value) const {
    std::vector<double> values;
    std::string message = read_list(node, values, field, value.size(), false, bad);
    if (message.empty()) std::copy(values.begin(), values.end(), value.begin());
    return message;
  }
  std::string operator()(Dims* value) const { return read_dims(node, *value, field, bad); }
};

struct Expecter {
  const Field& field;

  template <class T>
  std::string operator()(T*) const {
    return words(field, T{});
  }
  template <class T>
  std::string operator()(std::optional<T>*) const {
    return words(field, T{}) + ", or null";
  }
  template <class T>
  std::string operator()(std::vector<T>*) const {
    return (field.scalar_is_list ? words(field, T{}) + ", or " : "") + list_words(field.list_size, words(field, T{}));
  }
  std::string operator()(std::span<double> value) const { return list_words(value.size(), words(field, 0.0)); }
  std::string operator()(Dims* value) const {
    std::string text = words(field, int64_t{});
    if (value->dims > 1) text += ", or a list of " + std::to_string(value->dims);
    return field.choices.empty() ? text : text + ", or " + quoted_choices(field);
  }
};

}  // namespace

std::string expected(FieldRef value, const Field& field) { return std::visit(Expecter{field}, value); }

std::string bind_value(const Node& node, FieldRef value, const Field& field, const Node*& bad) {
  bad = &node;
  return std::visit(Reader{node, field, bad}, value);
}

}  // namespace remote::config
