#include "benchmarks/table.h"

#include <algorithm>
#include <cstdio>

namespace remote::bench {

Cell::Cell(double value, int digits) : text(format_number(value, digits)), number(value) {}

std::string format_number(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

std::string format_rows(const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths(rows.front().size(), 3);
  for (const auto& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (size_t r = 0; r < rows.size(); ++r) {
    for (size_t i = 0; i < widths.size(); ++i) {
      const std::string padding(widths[i] - rows[r][i].size(), ' ');
      // Names to the left, figures to the right.
      text += "| " + (i == 0 ? rows[r][i] + padding : padding + rows[r][i]) + " ";
    }
    text += "|\n";
    if (r > 0) continue;
    for (size_t i = 0; i < widths.size(); ++i) text += "|" + std::string(widths[i] + 1, '-') + (i == 0 ? "-" : ":");
    text += "|\n";
  }
  return text;
}

std::string Table::to_text() const {
  std::vector<std::vector<std::string>> texts{columns};
  for (const auto& row : rows) {
    auto& line = texts.emplace_back();
    for (const Cell& cell : row) line.push_back(cell.text);
  }
  std::string text = "## " + title + "\n\n" + format_rows(texts);
  if (!notes.empty()) text += "\n";
  for (const std::string& note : notes) text += note + "\n";
  return text;
}

}  // namespace remote::bench
