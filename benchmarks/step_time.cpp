// Step time in every place. What a burst of steps costs on the wire and in processor time stands beside the times,
// because those counts tell why a time is what it is.
#include <algorithm>

#include "benchmarks/cpu_time.h"
#include "benchmarks/sampling.h"
#include "benchmarks/subjects.h"
#include "benchmarks/train_step.h"

namespace remote::bench {
namespace {

/// Steps of one model in one place, measured in bursts.
class Candidate {
 public:
  Candidate(const Place& place, const schema::RunOptions& config, const schema::Registries& registries)
      : place_(place), step_(config, registries, place.device) {
    // Sizes that the worker is asked for, memory that is allocated for the first time: not what a step costs.
    burst(2);
  }

  /// Seconds a step, over so many steps and the wait for the last one.
  double burst(int steps) {
    const Stopwatch watch;
    for (int i = 0; i < steps; ++i) step_.run();
    place_.finish();
    return watch.seconds() / steps;
  }

  /// The same, and adds to what it cost.
  double counted_burst(int steps) {
    const Stats before = place_.stats();
    const CpuTime began = CpuTime::now(place_.worker);
    const double seconds = burst(steps);
    const CpuTime used = CpuTime::now(place_.worker) - began;
    const Stats after = place_.stats() - before;
    recording_cpu_ += used.calling_thread;
    other_cpu_ += used.process - used.calling_thread + used.worker;
    ops_ += after.client.ops;
    records_ += after.client.records;
    messages_ += after.client.messages;
    bytes_ += after.client.bytes;
    asked_ += after.tiers.asked + after.tiers.data_dependent;
    waits_ += after.client.synchronisations;
    credit_waits_ += after.client.credit_waits;
    // The wait at the end of the burst is this benchmark's, not the step's.
    if (place_.is_remote()) --waits_, --records_;
    steps_ += steps;
    return seconds;
  }

  const Place& place() const { return place_; }
  int64_t parameter_count() const { return step_.parameter_count(); }
  double synchronisations() const { return per_step(static_cast<double>(waits_)); }

  std::vector<Cell> costs() const {
    std::vector<Cell> cells{Cell(1e6 * per_step(recording_cpu_), 0), Cell(1e6 * per_step(other_cpu_), 0)};
    if (!place_.is_remote()) {
      cells.insert(cells.end(), 7, Cell("-"));
      return cells;
    }
    for (const uint64_t count : {ops_, records_}) cells.emplace_back(per_step(static_cast<double>(count)), 0);
    cells.emplace_back(per_step(static_cast<double>(messages_)), 1);
    for (const uint64_t count : {bytes_, asked_, waits_}) cells.emplace_back(per_step(static_cast<double>(count)), 0);
    cells.emplace_back(per_step(static_cast<double>(credit_waits_)), 1);
    return cells;
  }

 private:
  double per_step(double total) const { return total / static_cast<double>(steps_); }

  const Place& place_;
  TrainStep step_;
  uint64_t steps_ = 0, ops_ = 0, records_ = 0, messages_ = 0, bytes_ = 0, asked_ = 0, waits_ = 0, credit_waits_ = 0;
  double recording_cpu_ = 0, other_cpu_ = 0;
};

struct Plan {
  double burst_seconds;
  int min_steps;
  size_t rounds;
};

void measure(const std::string& model, Bench& bench, const schema::Registries& registries, const Plan& plan,
             Table& table) {
  const schema::RunOptions config = load_model(model, bench.arguments.configs, registries);
  std::vector<std::unique_ptr<Candidate>> candidates;
  for (const Place& place : bench.places.all()) {
    candidates.push_back(std::make_unique<Candidate>(place, config, registries));
  }
  const int steps = std::clamp(static_cast<int>(plan.burst_seconds / candidates[0]->burst(plan.min_steps)),
                               plan.min_steps, 2000);
  std::vector<std::function<double()>> bursts;
  for (const auto& candidate : candidates) {
    bursts.emplace_back([&, steps] { return candidate->counted_burst(steps); });
  }
  const std::vector<Series> times = interleave(bursts, plan.rounds);
  for (size_t i = 0; i < candidates.size(); ++i) {
    const double ratio = median_ratio(times[i], times[0]);
    std::vector<Cell> row{model, candidates[i]->place().name, Cell(1e3 * median(times[i]), 3), Cell(ratio, 3)};
    for (Cell& cell : candidates[i]->costs()) row.push_back(std::move(cell));
    table.rows.push_back(std::move(row));
    if (i == 0) continue;
    const std::string what = model + ", " + candidates[i]->place().name;
    const bool embedded = i == 1;
    const bool toy = model == "fashion_mnist_mlp", wide = candidates[i]->parameter_count() >= 10'000'000;
    if (toy)
      table.verdicts.push_back({"step " + what + " / plain", ratio, Verdict::Bound::kAtMost, embedded ? 1.05 : 1.10});
    if (wide) table.verdicts.push_back({"step " + what + " / plain", ratio, Verdict::Bound::kAtMost, 1.02});
    table.verdicts.push_back(
        {"synchronisations a step, " + what, candidates[i]->synchronisations(), Verdict::Bound::kAtMost, 0});
  }
}

}  // namespace

Table step_time(Bench& bench) {
  Table table{"step_time",
              "Step time",
              {"model", "where", "ms/step", "/ plain", "recording CPU us", "other CPU us", "ops", "records", "messages",
               "bytes", "sizes asked", "synchronisations", "credit waits"},
              {},
              {},
              {}};
  const Plan plan = bench.arguments.quick ? Plan{0.005, 1, 1} : Plan{0.4, 6, 9};
  const schema::Registries registries;
  std::vector<std::string> models = measured_models();
  if (bench.arguments.quick) models = {"fashion_mnist_mlp", "char_gpt"};
  for (const std::string& model : models) measure(model, bench, registries, plan, table);
  table.notes = {"Medians of " + std::to_string(plan.rounds) +
                     " rounds in which the places take turns; the ratio is the median of the "
                     "ratios within each round. A burst of steps and the wait for its end, divided by the steps.",
                 "All but time and ratio are means a step. Recording CPU: the thread that runs the training loop. "
                 "Other CPU: all other threads of this process and the worker's process."};
  return table;
}

}  // namespace remote::bench
