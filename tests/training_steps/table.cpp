// Prints what each of the training steps costs on a device, and whether its losses are those of LibTorch on the CPU.
//
// usage: training_steps_table [WORKER]    WORKER: an address as remote::connect takes it; default embedded:cpu
//
// The figures are means over the steps after the first: what twenty steps cost less what one costs, in a session of its
// own each. Only the messages are those of the whole session by its steps, because how many carry the records depends
// on how fast they are taken. "asked ops" are those whose output sizes the worker was asked for, because no rule gives
// them or because they depend on values. Ends with 1 when a loss or a parameter differs, or when anything has waited
// since the model was made, first step included.
#include <cstdio>

#include "steps.h"

namespace remote::test {
namespace {

Steps take_steps_on(const std::string& worker, const Model& model, const Optimizer& optimizer, int count) {
  connect({worker});
  Steps steps = take_steps(model, optimizer, torch::Device("remote:0"), count);
  disconnect();
  return steps;
}

constexpr const char* kHeading =
    "| model       | optimizer |     ops | messages |    bytes | synchronisations | asked ops | losses    |\n"
    "|-------------|-----------|--------:|---------:|---------:|-----------------:|----------:|-----------|\n";

/// Whether all is as it should be.
bool print_row(const std::string& worker, const Model& model, const Optimizer& optimizer) {
  const Steps expected = take_steps(model, optimizer, torch::kCPU);
  const Steps first = take_steps_on(worker, model, optimizer, 1);
  const Steps all = take_steps_on(worker, model, optimizer, kSteps);
  const Stats recorded = all.recorded - first.recorded;
  const uint64_t bytes = all.sent.client.bytes - first.sent.client.bytes;
  const double messages = static_cast<double>(all.sent.client.messages) / kSteps;
  const auto mean = [](uint64_t count) { return static_cast<double>(count) / (kSteps - 1); };
  const std::string difference = first_difference(expected, all);

  std::printf("| %-11s | %-9s | %7.1f | %8.1f | %8.0f | %16.1f | %9.1f | %-9s |\n", model.name.c_str(),
              optimizer.name.c_str(), mean(recorded.client.ops), messages, mean(bytes),
              mean(recorded.client.synchronisations), mean(recorded.tiers.asked + recorded.tiers.data_dependent),
              difference.empty() ? "bit-equal" : "DIFFER");
  if (!difference.empty()) std::printf("  %s\n", difference.c_str());
  const std::string waits = all.waits() > 0 ? std::to_string(all.waits()) : "";
  if (!waits.empty()) std::printf("  waited or asked %s times, the first step included\n", waits.c_str());
  std::fflush(stdout);
  return difference.empty() && waits.empty();
}

int print_table(const std::string& worker) {
  at::set_num_threads(1);
  std::printf("%d steps of each kind on %s; a step after the first costs, beside LibTorch on the CPU:\n\n", kSteps,
              worker.c_str());
  std::fputs(kHeading, stdout);
  bool all_well = true;
  for (const Model& model : all_models()) {
    for (const Optimizer& optimizer : all_optimizers()) all_well = print_row(worker, model, optimizer) && all_well;
  }
  return all_well ? 0 : 1;
}

}  // namespace
}  // namespace remote::test

int main(int argc, char** argv) {
  try {
    return remote::test::print_table(argc > 1 ? argv[1] : "embedded:cpu");
  } catch (const std::exception& error) {
    std::fprintf(stderr, "training_steps_table: %s\n", error.what());
    return 1;
  }
}
