// rt-train beside a training loop that somebody wrote by hand with LibTorch alone: same model, data, batches, optimizer
// kernel.
#include <ATen/ATen.h>
#include <torch/nn.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include <remote/data/idx.h>
#include <remote/device/error.h>
#include <remote/optim/adamw.h>

#include "benchmarks/sampling.h"
#include "benchmarks/subjects.h"

namespace remote::bench {
namespace {

constexpr int64_t kBatch = 128;
constexpr double kMean = 0.2860, kStd = 0.3530;
const std::string kData = "/usr/share/datasets/fashion-mnist/train-";

torch::nn::Sequential mlp() {
  namespace nn = torch::nn;
  return nn::Sequential(nn::Flatten(), nn::Linear(784, 256), nn::ReLU(), nn::Linear(256, 128), nn::ReLU(),
                        nn::Linear(128, 10));
}

torch::nn::Sequential cnn() {
  namespace nn = torch::nn;
  const auto conv = [](int64_t in, int64_t out) { return nn::Conv2d(nn::Conv2dOptions(in, out, 3).padding(1)); };
  return nn::Sequential(conv(1, 32), nn::BatchNorm2d(32), nn::ReLU(), nn::MaxPool2d(2), conv(32, 64),
                        nn::BatchNorm2d(64), nn::ReLU(), nn::MaxPool2d(2), nn::Flatten(), nn::Linear(3136, 128),
                        nn::ReLU(), nn::Dropout(0.3), nn::Linear(128, 10));
}

/// The loop. Fashion-MNIST's images as bytes, shuffled anew for each run.
class BareLoop {
 public:
  explicit BareLoop(torch::nn::Sequential (*model)())
      : model_(model),
        images_(data::read_idx(kData + "images-idx3-ubyte.gz", 3).unsqueeze(1)),
        labels_(data::read_idx(kData + "labels-idx1-ubyte.gz", 1).to(at::kLong)) {}

  /// Seconds a step.
  double run(int steps) {
    const double shorter = seconds(steps / 4);
    return (seconds(steps) - shorter) / (steps - steps / 4);
  }

 private:
  double seconds(int steps) {
    torch::manual_seed(1);
    torch::nn::Sequential model = model_();
    optim::AdamW optimizer(model->parameters(), optim::AdamWOptions(1e-3).weight_decay(0.01));
    const Stopwatch watch;
    const at::Tensor order = torch::randperm(images_.size(0));
    double loss_seen = 0;
    for (int step = 0; step < steps; ++step) {
      const at::Tensor indices = order.narrow(0, step * kBatch, kBatch);
      const at::Tensor input = images_.index_select(0, indices).to(at::kFloat).div_(255).sub_(kMean).div_(kStd);
      optimizer.zero_grad();
      const at::Tensor loss =
          torch::nn::functional::cross_entropy(model->forward(input), labels_.index_select(0, indices));
      loss.backward();
      optimizer.step();
      if (step % 10 == 0) loss_seen += loss.item<double>();
    }
    const double result = watch.seconds();
    if (!std::isfinite(loss_seen)) throw_error(StatusCode::kInternal, "the loop written by hand does not train");
    return result;
  }

  torch::nn::Sequential (*model_)();
  const at::Tensor images_;  // uint8 [N, 1, H, W]
  const at::Tensor labels_;  // int64 [N]
};

/// Seconds of training that rt-train has counted itself, validation and checkpoint left out.
double rt_train_seconds(const Bench& bench, const std::string& model, const std::string& worker, int steps) {
  const auto folder = bench.places.folder() / "run";
  std::filesystem::remove_all(folder);
  const auto config = bench.arguments.configs / (model + ".yaml");
  Process process({bench.arguments.train_binary.string(), "--config", config.string(), "--worker", worker, "--output",
                   folder.string(), "--threads", "1", "trainer.epochs=null",
                   "trainer.max_steps=" + std::to_string(steps), "trainer.limit_val_batches=1", "logging.quiet=true"},
                  Process::Output::kDropped);
  process.wait_for_success();
  std::ifstream file(folder / "summary.json");
  return static_cast<double>(steps * kBatch) / nlohmann::json::parse(file).at("examples_per_second").get<double>();
}

/// Seconds a step in the middle of a run: of two runs of different length, so that what happens once does not count,
/// such as the data's way to a worker.
double rt_train(const Bench& bench, const std::string& model, const std::string& worker, int steps) {
  const double shorter = rt_train_seconds(bench, model, worker, steps / 4);
  return (rt_train_seconds(bench, model, worker, steps) - shorter) / (steps - steps / 4);
}

}  // namespace

Table trainer_overhead(Bench& bench) {
  const bool quick = bench.arguments.quick;
  const size_t rounds = quick ? 1 : 5;
  Table table{"trainer",
              "rt-train beside a loop written by hand",
              {"model", "steps", "by hand ms/step", "rt-train, no worker", "rt-train, embedded", "no worker / by hand",
               "embedded / by hand"},
              {},
              {},
              {}};
  struct Subject {
    const char* name;
    torch::nn::Sequential (*model)();
    int steps;
  };
  std::vector<Subject> subjects{{"fashion_mnist_mlp", &mlp, quick ? 8 : 400}};
  if (!quick) subjects.push_back({"fashion_mnist_cnn", &cnn, 40});
  for (const Subject& subject : subjects) {
    BareLoop loop(subject.model);
    const auto times = interleave({[&] { return loop.run(subject.steps); },
                                   [&] { return rt_train(bench, subject.name, "none", subject.steps); },
                                   [&] { return rt_train(bench, subject.name, "embedded", subject.steps); }},
                                  rounds);
    const double none = median_ratio(times[1], times[0]), embedded = median_ratio(times[2], times[0]);
    table.rows.push_back({subject.name, Cell(subject.steps, 0), Cell(1e3 * median(times[0]), 3),
                          Cell(1e3 * median(times[1]), 3), Cell(1e3 * median(times[2]), 3), Cell(none, 3),
                          Cell(embedded, 3)});
    table.verdicts.push_back({std::string("rt-train without a worker / by hand, ") + subject.name, none,
                              Verdict::Bound::kAtMost, 1.02});
  }
  table.notes = {
      "The first steps of a run on Fashion-MNIST, batches gathered by index from bytes in memory, the fused AdamW, "
      "loss read every 10 steps, one thread. rt-train: by its own count in summary.json, with its schedule, NaN "
      "guard and log. All: n steps less n/4, by the difference. Medians of " +
      std::to_string(rounds) + " rounds in turn."};
  return table;
}

}  // namespace remote::bench
