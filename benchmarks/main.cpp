// rt-bench: how fast this is, as ratios in one run. See README.md.
#include <algorithm>

#include "apps/common/exit_code.h"
#include "apps/common/guarded_main.h"
#include "benchmarks/report.h"
#include "benchmarks/subjects.h"

namespace remote::bench {
namespace {

struct Subject {
  const char* name;
  Table (*run)(Bench&);
};

constexpr Subject kSubjects[] = {
    {"step_time", &step_time}, {"record_cost", &record_cost}, {"bulk", &bulk},
    {"startup", &startup},     {"delay", &delay},             {"trainer", &trainer_overhead},
};

int body(int argc, const char* const* argv) {
  std::vector<std::string> names;
  for (const Subject& subject : kSubjects) names.emplace_back(subject.name);
  Arguments arguments;
  if (auto code = parse_arguments(argc, argv, "rt-bench",
                                  "Measures step time, recording, bulk data, start-up and long lines, beside plain "
                                  "LibTorch and raw sockets in the same run.",
                                  names, arguments)) {
    return *code;
  }
  use_one_thread();
  Report report(arguments.command_line);
  Places places(arguments);
  Bench bench{arguments, places};
  for (const Subject& subject : kSubjects) {
    const auto& only = arguments.only;
    if (only.empty() || std::find(only.begin(), only.end(), subject.name) != only.end()) report.add(subject.run(bench));
  }
  if (!arguments.quick) report.print_verdicts();
  if (!arguments.json.empty()) report.write_json(arguments.json);
  return app::kExitDone;
}

}  // namespace
}  // namespace remote::bench

int main(int argc, char** argv) {
  return remote::app::guarded_main("rt-bench", [&] { return remote::bench::body(argc, argv); });
}
