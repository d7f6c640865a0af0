#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace remote::bench {

/// What a benchmark program was asked to do.
struct Arguments {
  /// A run of seconds that shows that everything works. Its figures mean nothing.
  bool quick = false;
  /// Subjects to run; empty for all.
  std::vector<std::string> only;
  /// Where the tables go as JSON as well; empty for nowhere.
  std::string json;
  /// The rt-worker and rt-train to measure.
  std::filesystem::path worker_binary;
  std::filesystem::path train_binary;
  /// The folder of the configurations whose models are measured.
  std::filesystem::path configs;
  /// As it was typed, for the record.
  std::string command_line;
};

/// Reads the command line into `arguments`. `subjects` are the names that --only takes; none for a program that has one
/// subject. Returns nothing where the program should go on, else the exit code.
std::optional<int> parse_arguments(int argc, const char* const* argv, const std::string& program,
                                   const std::string& purpose, const std::vector<std::string>& subjects,
                                   Arguments& arguments);

/// One intra-op thread in this process, and in those that it starts. Before anything is computed.
void use_one_thread();

}  // namespace remote::bench
