// Steps behind a long line. Nothing in a step waits for an answer, so they should take as long as behind a short one.
#include <algorithm>

#include <remote/connect.h>

#include "benchmarks/delay_proxy.h"
#include "benchmarks/sampling.h"
#include "benchmarks/subjects.h"
#include "benchmarks/train_step.h"

namespace remote::bench {
namespace {

constexpr std::chrono::milliseconds kOneWay{25};

/// Seconds a step in the middle of a burst: two bursts of different length have the same begin and end, in which the
/// line's delay stands once.
class Bursts {
 public:
  Bursts(const Place& place, TrainStep& step) : place_(place), step_(step) {}

  double step_seconds(int steps) {
    const double shorter = burst(steps);
    return (burst(3 * steps) - shorter) / (2 * steps);
  }
  /// Means a step.
  double waits() const { return static_cast<double>(waits_) / static_cast<double>(steps_); }
  double credit_waits() const { return static_cast<double>(credit_waits_) / static_cast<double>(steps_); }

 private:
  double burst(int steps) {
    const Stats before = place_.stats();
    const Stopwatch watch;
    for (int i = 0; i < steps; ++i) step_.run();
    const Stats recorded = place_.stats() - before;
    waits_ += recorded.client.synchronisations;
    credit_waits_ += recorded.client.credit_waits;
    steps_ += static_cast<uint64_t>(steps);
    place_.finish();
    return watch.seconds();
  }

  const Place& place_;
  TrainStep& step_;
  uint64_t steps_ = 0, waits_ = 0, credit_waits_ = 0;
};

}  // namespace

Table delay(Bench& bench) {
  const bool quick = bench.arguments.quick;
  const size_t rounds = quick ? 1 : 5;
  Table table{"delay",
              "Step time behind a long line",
              {"model", "direct ms", "0 ms line", "50 ms line", "50 ms / 0 ms", "synchronisations", "credit waits"},
              {},
              {},
              {}};
  Places& places = bench.places;
  DelayProxy no_delay(places.tcp_address(), std::chrono::milliseconds(0)), delayed(places.tcp_address(), kOneWay);
  const Place near = places.connect("0 ms", no_delay.address(), places.tcp().worker);
  const Place far = places.connect("50 ms", delayed.address(), places.tcp().worker);

  const schema::Registries registries;
  std::vector<std::string> models{"fashion_mnist_mlp"};
  if (!quick) models.emplace_back("char_gpt");
  for (const std::string& model : models) {
    const auto config = load_model(model, bench.arguments.configs, registries);
    TrainStep direct_step(config, registries, places.tcp().device), near_step(config, registries, near.device),
        far_step(config, registries, far.device);
    Bursts direct_bursts(places.tcp(), direct_step), near_bursts(near, near_step), far_bursts(far, far_step);
    const double estimate = direct_bursts.step_seconds(quick ? 1 : 10);
    const int steps = quick ? 2 : std::clamp(static_cast<int>(0.5 / std::max(estimate, 1e-4)), 5, 500);
    const auto times = interleave({[&] { return direct_bursts.step_seconds(steps); },
                                   [&] { return near_bursts.step_seconds(steps); },
                                   [&] { return far_bursts.step_seconds(steps); }},
                                  rounds);
    const double ratio = median_ratio(times[2], times[1]);
    table.rows.push_back({model, Cell(1e3 * median(times[0]), 3), Cell(1e3 * median(times[1]), 3),
                          Cell(1e3 * median(times[2]), 3), Cell(ratio, 3), Cell(far_bursts.waits(), 1),
                          Cell(far_bursts.credit_waits(), 2)});
    table.verdicts.push_back({"step " + model + ", 50 ms round trip / 0", ratio, Verdict::Bound::kAtMost, 1.05});
  }
  disconnect(near.device);
  disconnect(far.device);
  table.notes = {
      "Both lines are relays in this process on loopback TCP that hold each byte back, 25 ms or not at all, each way. "
      "The time of a step is that of 3n steps less that of n, by 2n, so that the line's delay at the end does not "
      "count; medians of " +
      std::to_string(rounds) + " rounds in turn. Synchronisations and credit waits: means a step."};
  return table;
}

}  // namespace remote::bench
