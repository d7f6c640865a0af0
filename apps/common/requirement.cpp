#include "apps/common/requirement.h"

#include <array>
#include <charconv>
#include <cmath>
#include <stdexcept>
#include <utility>

#include "apps/config/scalar.h"
#include "apps/config/suggest.h"

namespace remote::app {
namespace {

using Operator = Requirement::Operator;

/// Longer signs first: "<=" is no "<".
constexpr std::array<std::pair<std::string_view, Operator>, 7> kOperators = {{{"<=", Operator::kLessEqual},
                                                                              {">=", Operator::kGreaterEqual},
                                                                              {"==", Operator::kEqual},
                                                                              {"!=", Operator::kNotEqual},
                                                                              {"<", Operator::kLess},
                                                                              {">", Operator::kGreater},
                                                                              {"=", Operator::kEqual}}};

std::string trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return std::string(text);
}

std::string short_number(double value) {
  std::array<char, 32> buffer;
  auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::general, 6).ptr;
  return {buffer.data(), end};
}

}  // namespace

bool Requirement::holds(double value) const {
  if (std::isnan(value)) return false;
  switch (op) {
    case Operator::kLess:
      return value < bound;
    case Operator::kLessEqual:
      return value <= bound;
    case Operator::kGreater:
      return value > bound;
    case Operator::kGreaterEqual:
      return value >= bound;
    case Operator::kEqual:
      return value == bound;
    case Operator::kNotEqual:
      return value != bound;
  }
  return false;
}

Requirement parse_requirement(const std::string& text) {
  auto fail = [&](const std::string& what) {
    return std::invalid_argument("--require '" + text + "': expected a condition such as val/accuracy>=0.85" + what);
  };
  size_t at = text.find_first_of("<>=!");
  if (at == std::string::npos) throw fail("");
  for (const auto& [sign, op] : kOperators) {
    if (text.compare(at, sign.size(), sign) != 0) continue;
    Requirement requirement{trimmed(std::string_view(text).substr(0, at)), op, 0, text};
    std::string number = trimmed(std::string_view(text).substr(at + sign.size()));
    auto bound = config::parse_float(number);
    if (requirement.metric.empty()) throw fail(", got no metric");
    if (!bound || std::isnan(*bound)) throw fail(", got the number '" + number + "'");
    requirement.bound = *bound;
    return requirement;
  }
  throw fail("");
}

std::vector<std::string> missed(const std::vector<Requirement>& requirements,
                                const std::map<std::string, double>& metrics) {
  std::vector<std::string> lines;
  for (const Requirement& requirement : requirements) {
    auto found = metrics.find(requirement.metric);
    if (found == metrics.end()) {
      std::vector<std::string> names;
      for (const auto& [name, value] : metrics) names.push_back(name);
      lines.push_back("required " + requirement.text + ", but the run has no figure '" + requirement.metric +
                      "'; it has " + config::join_names(names, "and"));
    } else if (!requirement.holds(found->second)) {
      lines.push_back("required " + requirement.text + ", got " + short_number(found->second));
    }
  }
  return lines;
}

}  // namespace remote::app
