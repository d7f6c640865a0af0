#pragma once
#include <optional>
#include <string>
#include <vector>

namespace remote::app {

/// What rt-train was asked to do.
struct TrainArguments {
  std::string config;
  /// "" for a worker inside this process; "none" for plain LibTorch on this processor.
  std::string worker;
  /// "" for no credential.
  std::string credential_file;
  std::string output;
  std::string resume;
  bool smoke = false;
  bool check = false;
  bool print_config = false;
  bool stats = false;
  std::vector<std::string> require;
  /// 0: as OMP_NUM_THREADS or LibTorch says.
  int threads = 0;
  /// A section or component to explain; "" for all of them.
  std::optional<std::string> help_config;
  std::vector<std::string> overrides;
};

/// What rt-eval was asked to do.
struct EvalArguments {
  std::string run;
  std::string config;
  std::string weights;
  std::string split = "val";
  std::string worker;
  std::string credential_file;
  std::vector<std::string> require;
  int threads = 0;
  std::vector<std::string> overrides;
};

/// Reads the command line into `arguments`. Returns nothing where the program should go on, else the exit code: 0 after
/// --help or --version, 2 after a mistake, which it has explained on stderr. Combinations are checked too.
std::optional<int> parse_command_line(int argc, const char* const* argv, TrainArguments& arguments);
std::optional<int> parse_command_line(int argc, const char* const* argv, EvalArguments& arguments);

}  // namespace remote::app
