// From the start of the process to the first step, and the parts that this consists of.
#include <remote/client/session.h>
#include <remote/device/error.h>

#include <thread>

#include "benchmarks/sampling.h"
#include "benchmarks/subjects.h"

namespace remote::bench {
namespace {

namespace fs = std::filesystem;

std::string mlp_config(const Bench& bench) { return (bench.arguments.configs / "fashion_mnist_mlp.yaml").string(); }

/// Seconds that rt-train takes from beginning to end.
double whole_run(const Bench& bench, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), bench.arguments.train_binary.string());
  const Stopwatch watch;
  Process(arguments, Process::Output::kDropped).wait_for_success();
  return watch.seconds();
}

/// Seconds until rt-train has written the first step's loss, which has been computed and has come back then.
double first_step(const Bench& bench, const std::string& worker) {
  const fs::path folder = bench.places.folder() / "run";
  fs::remove_all(folder);
  const Stopwatch watch;
  Process process({bench.arguments.train_binary.string(), "--config", mlp_config(bench), "--worker", worker, "--output",
                   folder.string(), "--threads", "1", "trainer.epochs=null", "trainer.max_steps=1",
                   "trainer.limit_val_batches=1", "logging.quiet=true"},
                  Process::Output::kDropped);
  const fs::path metrics = folder / "metrics.jsonl";
  std::error_code missing;
  while (watch.seconds() < 60) {
    if (const auto size = fs::file_size(metrics, missing); !missing && size > 0) return watch.seconds();
    std::this_thread::sleep_for(std::chrono::microseconds(500));
  }
  throw_error(StatusCode::kDeadlineExceeded, "rt-train --worker " + worker + " came to no first step within 60 s");
}

/// Seconds that a session takes to be there, on a worker that runs already.
double connect_to(const std::string& address) {
  const Stopwatch watch;
  const auto session = value_or_throw(client::Session::connect(address));
  const double seconds = watch.seconds();
  session->close();
  return seconds;
}

}  // namespace

Table startup(Bench& bench) {
  const bool quick = bench.arguments.quick;
  const size_t rounds = quick ? 1 : 7;
  Table table{"startup", "Start", {"what", "ms"}, {}, {}, {}};
  const std::vector<std::pair<std::string, std::function<double()>>> subjects = {
      {"rt-train, start to first step, --worker embedded", [&] { return first_step(bench, "embedded"); }},
      {"rt-train, start to first step, --worker none", [&] { return first_step(bench, "none"); }},
      {"rt-train, start to first step, rt-worker on a unix socket",
       [&] { return first_step(bench, bench.places.unix_address()); }},
      {"of this: rt-train --version", [&] { return whole_run(bench, {"--version"}); }},
      {"of this: rt-train --print-config",
       [&] {
         return whole_run(bench, {"--config", mlp_config(bench), "--print-config"});
       }},
      {"connecting, embedded", [&] { return connect_to("embedded:cpu"); }},
      {"connecting, unix socket", [&] { return connect_to(bench.places.unix_address()); }},
      {"connecting, loopback TCP", [&] { return connect_to(bench.places.tcp_address()); }},
  };
  std::vector<std::function<double()>> candidates;
  for (const auto& [name, measure] : subjects) candidates.push_back(measure);
  const auto times = interleave(candidates, rounds);
  for (size_t i = 0; i < subjects.size(); ++i)
    table.rows.push_back({subjects[i].first, Cell(1e3 * median(times[i]), 1)});
  table.verdicts.push_back(
      {"s, rt-train start to first step, Fashion-MNIST, embedded", median(times[0]), Verdict::Bound::kAtMost, 1.0});
  table.notes = {
      "rt-train --config fashion_mnist_mlp.yaml trainer.max_steps=1, from before fork() until metrics.jsonl has the "
      "first step's loss; files in the page cache. Medians of " +
          std::to_string(rounds) + " rounds in turn.",
      "--version loads the program and its libraries, --print-config reads the configuration as well."};
  return table;
}

}  // namespace remote::bench
