#pragma once
#include <string>
#include <vector>

#include "apps/config/source.h"

namespace remote::config {

/// One mistake in the configuration.
struct Problem {
  Location where;
  /// A sentence without full stop: what is wrong, what was expected, what to try.
  std::string message;
};

/// Collects problems, so that all of them are told at once.
class Diagnostics {
 public:
  void add(Location where, std::string message) { problems_.push_back({std::move(where), std::move(message)}); }
  bool empty() const { return problems_.empty(); }
  const std::vector<Problem>& problems() const { return problems_; }

  /// The tree lacks what a syntax error made unreadable: what is missing in it is no mistake of its own.
  void set_incomplete() { incomplete_ = true; }
  bool incomplete() const { return incomplete_; }

  /// All problems in the order of the file, then those of the command line. Each is `file:line:col: message`, the line,
  /// and a caret under the place; a summary line ends it when there are several.
  std::string render() const;

 private:
  std::vector<Problem> problems_;
  bool incomplete_ = false;
};

}  // namespace remote::config
