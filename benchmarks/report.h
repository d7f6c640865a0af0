#pragma once
#include <string>
#include <vector>

#include "benchmarks/table.h"

namespace remote::bench {

/// What a run of the benchmarks has to say: printed table by table as it comes, and kept for the end.
class Report {
 public:
  /// Prints the machine and the command.
  explicit Report(std::string command_line);

  void add(Table table);
  /// Prints what was measured against what the design allows.
  void print_verdicts() const;
  /// Writes everything to a file. Throws remote::Error.
  void write_json(const std::string& path) const;

 private:
  std::string command_line_;
  std::vector<std::pair<std::string, std::string>> machine_;
  std::vector<Table> tables_;
};

}  // namespace remote::bench
