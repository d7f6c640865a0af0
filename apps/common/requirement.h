#pragma once
#include <map>
#include <string>
#include <vector>

namespace remote::app {

/// A condition on a run's final figures: "val/accuracy>=0.85".
struct Requirement {
  enum class Operator { kLess, kLessEqual, kGreater, kGreaterEqual, kEqual, kNotEqual };

  std::string metric;
  Operator op = Operator::kGreaterEqual;
  double bound = 0;
  /// As it was given.
  std::string text;

  /// NaN satisfies nothing.
  bool holds(double value) const;
};

/// Reads `metric OP number` with <, <=, >, >=, ==, = or !=. Throws std::invalid_argument with a sentence that says what
/// was expected.
Requirement parse_requirement(const std::string& text);

/// What is wrong with the figures, one line for each requirement that is missed or names a figure that the run doesn't
/// have. Empty when all hold.
std::vector<std::string> missed(const std::vector<Requirement>& requirements,
                                const std::map<std::string, double>& metrics);

}  // namespace remote::app
