// What the client pays for an op, from the call of the dispatcher to bytes in the batch. A burst stays below the
// credit, so that the client never waits for the worker: one worker is stopped meanwhile and costs no processor time at
// all, the other runs the ops as they come.
#include <ATen/ATen.h>
#include <torch/nn.h>

#include <functional>

#include <remote/device/device_scope.h>
#include <remote/optim/adamw.h>

#include "benchmarks/cpu_time.h"
#include "benchmarks/sampling.h"
#include "benchmarks/subjects.h"

namespace remote::bench {
namespace {

constexpr const char* kTrainingStep = "training step, 16 wide MLP";

/// Something that is done again and again on one device.
using Action = std::function<void()>;
struct Operation {
  std::string name;
  std::function<Action(c10::Device)> make;
};

/// A training step whose ops are those of any MLP's, and whose kernels have next to nothing to do.
Action narrow_mlp_step(c10::Device device) {
  namespace nn = torch::nn;
  std::optional<DeviceScope> born_there;
  if (!device.is_cpu()) born_there.emplace(device);
  nn::Sequential model(nn::Linear(16, 16), nn::ReLU(), nn::Linear(16, 16), nn::ReLU(), nn::Linear(16, 10));
  auto optimizer = std::make_shared<optim::AdamW>(model->parameters(), optim::AdamWOptions(1e-3));
  const at::Tensor input = at::ones({16, 16}, device),
                   target = at::zeros({16}, at::TensorOptions(device).dtype(at::kLong));
  return [=]() mutable {
    optimizer->zero_grad();
    nn::functional::cross_entropy(model->forward(input), target).backward();
    optimizer->step();
  };
}

std::vector<Operation> operations() {
  const auto small = [](c10::Device device) { return at::ones({16, 16}, device); };
  return {
      {"mul_", [=](c10::Device d) { return [x = small(d)]() mutable { x.mul_(1.0); }; }},
      {"add", [=](c10::Device d) { return [x = small(d), y = small(d)] { (void)at::add(x, y); }; }},
      {"mm", [=](c10::Device d) { return [x = small(d), y = small(d)] { (void)at::mm(x, y); }; }},
      {"relu", [=](c10::Device d) { return [x = small(d)] { (void)at::relu(x); }; }},
      {"linear, with gradients",
       [=](c10::Device d) {
         return [x = small(d), w = small(d).requires_grad_(), b = at::ones({16}, d).requires_grad_()] {
           (void)at::linear(x, w, b);
         };
       }},
      {"empty and free", [](c10::Device d) { return [d] { (void)at::empty({16, 16}, d); }; }},
      {"zeros and free", [](c10::Device d) { return [d] { (void)at::zeros({16, 16}, d); }; }},
      {kTrainingStep, &narrow_mlp_step},
  };
}

/// Calls of one action in one place.
struct Burst {
  const Place& place;
  Action action;
  int count;
  uint64_t calls = 0;
  double cpu_seconds = 0;
  Stats cost;

  /// Nanoseconds a call.
  double run() {
    const Stats before = place.stats();
    const CpuTime began = CpuTime::now(0);
    const Stopwatch watch;
    for (int i = 0; i < count; ++i) action();
    const double seconds = watch.seconds();
    cpu_seconds += (CpuTime::now(0) - began).calling_thread;
    const Stats after = place.stats() - before;
    cost.client.ops += after.client.ops;
    cost.client.records += after.client.records;
    cost.client.credit_waits += after.client.credit_waits;
    calls += static_cast<uint64_t>(count);
    return 1e9 * seconds / count;
  }
  double run_and_finish() {
    const double result = run();
    place.finish();
    return result;
  }
  double run_while_stopped() {
    double result = 0;
    {
      const Stopped stopped(place.worker);
      result = run();
    }
    place.finish();
    return result;
  }
  double per_call(uint64_t total) const { return static_cast<double>(total) / static_cast<double>(calls); }
  double cpu_nanoseconds() const { return 1e9 * cpu_seconds / static_cast<double>(calls); }
};

void measure(const Operation& operation, Places& places, int count, size_t rounds, Table& table) {
  Burst plain{places.plain(), operation.make(places.plain().device), count, 0, 0, {}};
  Burst stopped{places.unix_socket(), operation.make(places.unix_socket().device), count, 0, 0, {}};
  Burst running{places.tcp(), operation.make(places.tcp().device), count, 0, 0, {}};
  Burst embedded{places.embedded(), operation.make(places.embedded().device), count, 0, 0, {}};
  for (Burst* burst : {&stopped, &running, &embedded}) burst->place.finish();

  const auto times = interleave({[&] { return plain.run(); }, [&] { return stopped.run_while_stopped(); },
                                 [&] { return running.run_and_finish(); }, [&] { return embedded.run_and_finish(); }},
                                rounds);
  const double ops = stopped.per_call(stopped.cost.client.ops);
  const double alone = median(times[1]);
  const uint64_t waits =
      stopped.cost.client.credit_waits + running.cost.client.credit_waits + embedded.cost.client.credit_waits;
  table.rows.push_back({operation.name, Cell(median(times[0]), 0), Cell(alone, 0), Cell(stopped.cpu_nanoseconds(), 0),
                        Cell(median(times[2]), 0), Cell(median(times[3]), 0), Cell(ops, 1),
                        Cell(stopped.per_call(stopped.cost.client.records), 1),
                        ops > 0 ? Cell(alone / ops, 0) : Cell("-"), Cell(static_cast<double>(waits), 0)});
  // With autograd in between the figure says more about LibTorch than about recording.
  if (ops == 1 && operation.name.find("gradients") == std::string::npos) {
    table.verdicts.push_back({"us, dispatch to bytes: " + operation.name, 1e-3 * alone, Verdict::Bound::kAtMost, 2.0});
  }
}

}  // namespace

Table record_cost(Bench& bench) {
  Table table{"record_cost",
              "Cost of recording, ns",
              {"call", "plain LibTorch", "worker stopped", "of this CPU", "TCP worker runs", "embedded runs", "ops",
               "records", "ns/op stopped", "credit waits"},
              {},
              {},
              {}};
  const bool quick = bench.arguments.quick;
  const size_t rounds = quick ? 1 : 9;
  for (const Operation& operation : operations()) {
    const int count = operation.name == kTrainingStep ? 300 : 10000;
    measure(operation, bench.places, quick ? count / 100 : count, rounds, table);
  }
  table.notes = {"A call on 16x16 float32 tensors, 10000 of them (300 training steps) without waiting; medians of " +
                     std::to_string(rounds) +
                     " rounds in turn. Plain LibTorch computes what it is called for, the others record it.",
                 "Worker stopped: an rt-worker behind a unix socket under SIGSTOP, so that nothing but the client "
                 "runs. CPU: of the calling thread, a mean. Records: with those that say that a result was dropped. "
                 "ns/op: a call's time by the ops that it recorded; where there are gradients, most of it is "
                 "autograd's, as in plain LibTorch."};
  return table;
}

}  // namespace remote::bench
