#include "benchmarks/arguments.h"

#include <ATen/Parallel.h>
#include <CLI/CLI.hpp>

#include <cstdlib>

namespace remote::bench {
namespace {

std::filesystem::path beside_this_program(const char* name) {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path() / name;
}

}  // namespace

std::optional<int> parse_arguments(int argc, const char* const* argv, const std::string& program,
                                   const std::string& purpose, const std::vector<std::string>& subjects,
                                   Arguments& a) {
  a.worker_binary = beside_this_program("rt-worker");
  a.train_binary = beside_this_program("rt-train");
  a.configs = std::filesystem::path(REMOTE_SOURCE_DIR) / "configs";
  for (int i = 0; i < argc; ++i) a.command_line += (i == 0 ? "" : " ") + (i == 0 ? program : std::string(argv[i]));

  CLI::App app(purpose, program);
  app.add_flag("--quick", a.quick, "A run of seconds that shows that everything works; its figures mean nothing");
  app.add_option("--json", a.json, "Write the tables to this file as well")->type_name("FILE");
  app.add_option("--worker-binary", a.worker_binary, "The rt-worker to measure; by default the one beside this program")
      ->check(CLI::ExistingFile);
  if (!subjects.empty()) {
    app.add_option("--only", a.only, "Run this subject only; repeatable")->check(CLI::IsMember(subjects));
    app.add_option("--train-binary", a.train_binary, "The rt-train to measure; by default the one beside this program")
        ->check(CLI::ExistingFile);
    app.add_option("--configs", a.configs, "The folder of the configurations whose models are measured")
        ->check(CLI::ExistingDirectory);
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  return std::nullopt;
}

void use_one_thread() {
  setenv("OMP_NUM_THREADS", "1", 1);
  at::set_num_threads(1);
}

}  // namespace remote::bench
