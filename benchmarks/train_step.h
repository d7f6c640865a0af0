#pragma once
#include <ATen/core/Tensor.h>

#include <memory>
#include <string>
#include <vector>

#include <remote/data/dataset.h>
#include <remote/train/model.h>
#include <remote/train/schema/run_options.h>
#include <remote/train/task.h>

namespace remote::bench {

/// The configurations whose models are measured, by name: those that the project ships, and one of 10 million
/// parameters.
std::vector<std::string> measured_models();

/// Reads a configuration of measured_models(). Throws UsageError for one that has mistakes.
schema::RunOptions load_model(const std::string& name, const std::string& configs,
                              const schema::Registries& registries);

/// The training step that a configuration describes, on batches that lie on the device already: forward, loss,
/// backward, clipping where the configuration says so, and the fused optimizer, which is the same kernel everywhere.
/// Images and labels are random numbers, the same on every device. One thread.
class TrainStep {
 public:
  TrainStep(const schema::RunOptions& config, const schema::Registries& registries, c10::Device device);

  /// One step. Waits for nothing on a worker.
  void run();
  int64_t parameter_count() const;

 private:
  std::vector<data::Batch> batches_;
  size_t next_batch_ = 0;
  std::shared_ptr<train::Model> model_;
  std::shared_ptr<const train::Task> task_;
  std::unique_ptr<train::Optimizer> optimizer_;
  std::optional<double> clip_grad_norm_;
};

}  // namespace remote::bench
