#pragma once
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/linear.h>
#include <torch/types.h>

#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include <remote/train/rng.h>
#include <remote/train/trainer.h>

#include "tests/support/temporary_folder.h"

namespace remote::train {

/// Points in two classes that a plane divides.
class Points final : public data::Dataset {
 public:
  explicit Points(int64_t count) : input_(at::empty({count, 4})), target_(at::empty({count}, at::kLong)) {
    auto x = input_.accessor<float, 2>();
    auto y = target_.accessor<int64_t, 1>();
    for (int64_t i = 0; i < count; ++i) {
      for (int64_t k = 0; k < 4; ++k) x[i][k] = static_cast<float>((i * 37 + k * 11) % 29) / 29.0f - 0.5f;
      y[i] = x[i][0] + x[i][1] > 0 ? 1 : 0;
    }
  }
  int64_t size() const override { return target_.size(0); }
  data::Batch gather(const std::vector<int64_t>& examples) const override {
    const at::Tensor indices = data::index_tensor(examples, at::kCPU);
    return {input_.index_select(0, indices), target_.index_select(0, indices)};
  }
  /// So that a loss is no finite number.
  void spoil(int64_t example) { input_[example].fill_(std::numeric_limits<float>::quiet_NaN()); }

 private:
  at::Tensor input_;
  at::Tensor target_;
};

/// With dropout, so that random numbers count, and (when told) a batch norm, so that buffers do.
class SmallModel final : public Model {
 public:
  explicit SmallModel(bool normalises = true) {
    first_ = register_module("first", torch::nn::Linear(4, 8));
    if (normalises) norm_ = register_module("norm", torch::nn::BatchNorm1d(8));
    last_ = register_module("last", torch::nn::Linear(8, 2));
  }
  torch::Tensor forward(torch::Tensor input) override {
    const torch::Tensor hidden = first_->forward(input);
    const torch::Tensor active = torch::relu(norm_ ? norm_->forward(hidden) : hidden);
    return last_->forward(torch::dropout(active, 0.2, is_training()));
  }

 private:
  torch::nn::Linear first_{nullptr};
  torch::nn::BatchNorm1d norm_{nullptr};
  torch::nn::Linear last_{nullptr};
};

/// Notes what it is told; `stop_after` asks the run to stop at that step, as a signal would.
class Witness final : public RunObserver {
 public:
  void on_step(int64_t step) override {
    steps.push_back(step);
    if (step == stop_after) stop = 15;
  }
  void on_metrics(const MetricRecord& record) override { records.push_back(record); }
  void on_checkpoint(int64_t step, bool) override { checkpoints.push_back(step); }
  void on_finish(const RunResult& result) override { results.push_back(result); }

  int64_t stop_after = -1;
  std::atomic<int> stop{0};
  std::vector<int64_t> steps;
  std::vector<MetricRecord> records;
  std::vector<int64_t> checkpoints;
  std::vector<RunResult> results;
};

/// A run of 60 examples in batches of 16, four steps to an epoch with the last one incomplete, in a folder of its own.
struct SmallRun {
  SmallRun() {
    options.batches.batch_size = 16;
    options.trainer.epochs = 3;
    options.trainer.log_every_steps = 1;
    options.trainer.clip_grad_norm = 1.0;
    options.seed = 7;
    optimizer.lr = 0.05;
  }

  std::unique_ptr<Trainer> trainer() {
    seed_rng(at::kCPU, options.seed);
    model = std::make_shared<SmallModel>(normalises);
    TrainerParts parts;
    parts.model = model;
    parts.task = make_task(CrossEntropyLossOptions(), data::Purpose::kClassification);
    parts.optimizer = make_optimizer(optimizer, *model);
    parts.data = {train_data, val_data, data::Purpose::kClassification, 2, {}};
    const RunLength length = run_length(options.trainer, options.batches, *parts.data.train);
    parts.schedule = make_schedule(CosineAnnealingLROptions(),
                                   {optimizer.lr, length.total_steps, length.steps_per_epoch});
    return std::make_unique<Trainer>(std::move(parts), options, RunFolder{folder.path()},
                                     std::vector<RunObserver*>{&witness});
  }
  RunResult run() { return trainer()->run(witness.stop); }
  /// As another process would.
  RunResult resume() {
    witness.stop = 0;
    witness.stop_after = -1;
    auto continued = trainer();
    continued->resume();
    return continued->run(witness.stop);
  }

  remote::test::TemporaryFolder folder;
  bool normalises = true;
  RunOptions options;
  AdamWOptions optimizer;
  std::shared_ptr<Points> train_data = std::make_shared<Points>(60);
  std::shared_ptr<Points> val_data = std::make_shared<Points>(40);
  std::shared_ptr<SmallModel> model;
  Witness witness;
};

}  // namespace remote::train
