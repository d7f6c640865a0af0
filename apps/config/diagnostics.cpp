#include "apps/config/diagnostics.h"

#include <algorithm>
#include <tuple>

namespace remote::config {
namespace {

std::string excerpt(const Location& where) {
  if (!where.source || where.line == 0 || where.source->kind() == Source::Kind::kCommandLine) return {};
  std::string_view line = where.source->line(where.line);
  if (where.column == 0 || where.column > line.size() + 1) return {};
  constexpr size_t kWidest = 160;  // of a line that is shown; longer ones are no help
  if (line.size() > kWidest && where.column > kWidest) return {};
  std::string number = std::to_string(where.line);
  std::string before;
  for (char c : line.substr(0, where.column - 1)) {
    if ((static_cast<unsigned char>(c) & 0xC0) != 0x80) before += c == '\t' ? '\t' : ' ';
  }
  size_t marked = std::max<size_t>(1, character_count(line.substr(where.column - 1, where.length)));
  return "  " + number + " | " + std::string(line.substr(0, kWidest)) + "\n  " + std::string(number.size(), ' ') +
         " | " + before + std::string(marked, '^') + "\n";
}

}  // namespace

std::string Diagnostics::render() const {
  std::vector<const Problem*> sorted;
  for (const Problem& problem : problems_) sorted.push_back(&problem);
  auto position = [](const Problem* problem) {
    bool command_line = problem->where.source && problem->where.source->kind() == Source::Kind::kCommandLine;
    return std::tuple(command_line, command_line ? 0 : problem->where.line, command_line ? 0 : problem->where.column);
  };
  std::stable_sort(sorted.begin(), sorted.end(),
                   [&](const Problem* a, const Problem* b) { return position(a) < position(b); });
  std::string out;
  for (const Problem* problem : sorted) {
    out += problem->where.to_string() + ": " + problem->message + "\n" + excerpt(problem->where);
  }
  if (problems_.size() > 1)
    out += std::to_string(problems_.size()) + " problems in the configuration; nothing was run\n";
  return out;
}

}  // namespace remote::config
