#include "benchmarks/train_step.h"

#include <ATen/CPUGeneratorImpl.h>
#include <torch/types.h>

#include <optional>

#include <remote/device/device_scope.h>
#include <remote/nn/utils/clip_grad.h>
#include <remote/train/rng.h>

#include "apps/common/run_config.h"

namespace remote::bench {
namespace {

/// Not shipped as a configuration, because it is good for nothing but this.
constexpr const char* kWideMlp = "wide_mlp";
constexpr int64_t kImageSide = 28;
constexpr int64_t kImageClasses = 10;
/// Of Shakespeare's plays.
constexpr int64_t kVocabulary = 65;
/// A model that sees one batch again and again soon has nothing to learn, and its gradients are all zero.
constexpr int kBatches = 8;

std::vector<data::Batch> random_batches(int64_t batch_size, std::optional<int64_t> sequence_length,
                                        c10::Device device) {
  at::Generator generator = at::detail::createCPUGenerator(/*seed=*/7);
  std::vector<data::Batch> batches;
  for (int i = 0; i < kBatches; ++i) {
    at::Tensor input, target;
    if (sequence_length) {
      input = torch::randint(kVocabulary, {batch_size, *sequence_length}, generator, torch::kLong);
      target = torch::randint(kVocabulary, {batch_size, *sequence_length}, generator, torch::kLong);
    } else {
      input = torch::randn({batch_size, 1, kImageSide, kImageSide}, generator);
      target = torch::randint(kImageClasses, {batch_size}, generator, torch::kLong);
    }
    batches.push_back({input.to(device), target.to(device)});
  }
  return batches;
}

}  // namespace

std::vector<std::string> measured_models() {
  return {"fashion_mnist_mlp", "fashion_mnist_cnn", "fashion_mnist_resnet8", "char_gpt", kWideMlp};
}

schema::RunOptions load_model(const std::string& name, const std::string& configs,
                              const schema::Registries& registries) {
  const std::string folder = name == kWideMlp ? REMOTE_SOURCE_DIR "/benchmarks" : configs;
  return app::load_run_config(folder + "/" + name + ".yaml", {}, registries);
}

TrainStep::TrainStep(const schema::RunOptions& config, const schema::Registries& registries, c10::Device device)
    : clip_grad_norm_(config.trainer.clip_grad_norm) {
  const int64_t batch_size = registries.datasets.build(config.data).batches.batch_size;
  const auto length = schema::sequence_length(config.data);
  batches_ = random_batches(batch_size, length, device);
  train::seed_rng(device, config.seed);
  std::optional<DeviceScope> born_there;
  if (!device.is_cpu()) born_there.emplace(device);
  model_ = registries.models.build(config.model, {length ? kVocabulary : kImageClasses});
  task_ = registries.losses.build(
      config.loss, length ? data::Purpose::kLanguageModelling : data::Purpose::kClassification);
  optimizer_ = registries.optimizers.build(config.optimizer, *model_);
  model_->train();
}

void TrainStep::run() {
  const data::Batch& batch = batches_[next_batch_];
  next_batch_ = (next_batch_ + 1) % batches_.size();
  optimizer_->zero_grad();
  task_->loss(model_->forward(batch.input), batch.target).backward();
  if (clip_grad_norm_) nn::utils::clip_grad_norm_(optimizer_->parameters(), *clip_grad_norm_);
  optimizer_->step({});
}

int64_t TrainStep::parameter_count() const {
  int64_t count = 0;
  for (const at::Tensor& parameter : optimizer_->parameters()) count += parameter.numel();
  return count;
}

}  // namespace remote::bench
