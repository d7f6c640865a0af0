#pragma once
#include <optional>
#include <string>
#include <vector>

namespace remote::bench {

/// One field of a table: a text for people, and the number behind it.
struct Cell {
  std::string text;
  std::optional<double> number;

  Cell(const char* words) : text(words) {}
  Cell(std::string words) : text(std::move(words)) {}
  /// With so many digits behind the point.
  Cell(double value, int digits);
};

/// Whether a figure keeps to the speed budget of the design.
struct Verdict {
  enum class Bound { kAtMost, kAtLeast };

  std::string what;
  double measured = 0;
  Bound bound = Bound::kAtMost;
  double budget = 0;

  bool kept() const { return bound == Bound::kAtMost ? measured <= budget : measured >= budget; }
};

/// What one subject measured.
struct Table {
  std::string name;
  std::string title;
  std::vector<std::string> columns;
  std::vector<std::vector<Cell>> rows;
  /// How it was measured: a sentence each, below the table.
  std::vector<std::string> notes;
  std::vector<Verdict> verdicts;

  /// As Markdown.
  std::string to_text() const;
};

/// "12.3" with so many digits behind the point.
std::string format_number(double value, int digits);
/// Rows of equal length as a Markdown table with aligned columns; the first row is the head.
std::string format_rows(const std::vector<std::vector<std::string>>& rows);

}  // namespace remote::bench
