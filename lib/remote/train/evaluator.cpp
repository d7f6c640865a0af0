#include <remote/train/evaluator.h>

#include <ATen/ATen.h>

#include <algorithm>

#include <remote/data/batch_sampler.h>
#include <remote/device/name_scope.h>
#include <remote/tensor/fetch.h>

namespace remote::train {
namespace {

/// Puts a module into evaluation mode for as long as it lives.
class EvalMode {
 public:
  explicit EvalMode(torch::nn::Module& module) : module_(module), was_training_(module.is_training()) {
    module_.eval();
  }
  ~EvalMode() { module_.train(was_training_); }
  EvalMode(const EvalMode&) = delete;
  EvalMode& operator=(const EvalMode&) = delete;

 private:
  torch::nn::Module& module_;
  bool was_training_;
};

}  // namespace

MetricValues evaluate(Model& model, const Task& task, const data::Dataset& data, const data::BatchOptions& batches,
                      const std::string& prefix, std::optional<int64_t> max_batches,
                      const std::function<bool()>& stop) {
  at::NoGradGuard no_grad;
  EvalMode eval_mode(model);
  NameScope scope("evaluation");
  const auto sampler = data::BatchSampler::for_validation(data, batches);
  const int64_t count = std::min(sampler.batches_per_epoch(), max_batches.value_or(sampler.batches_per_epoch()));

  at::Tensor sums;  // float64 [1 + metrics]
  int64_t targets = 0;
  for (int64_t i = 0; i < count; ++i) {
    if (stop && stop()) return {};
    const data::Batch batch = data.gather(sampler.batch(i));
    const at::Tensor output = model.forward(batch.input);
    std::vector<at::Tensor> terms{task.loss(output, batch.target).to(at::kDouble).mul(batch.target.numel()).view(1)};
    for (const at::Tensor& sum : task.metric_sums(output, batch.target)) terms.push_back(sum.to(at::kDouble).view(1));
    const at::Tensor term = at::cat(terms);
    sums = sums.defined() ? sums.add_(term) : term;
    targets += batch.target.numel();
  }
  if (!sums.defined()) return {};

  const at::Tensor values = fetch(sums).get();
  MetricValues result;
  auto add = [&](const std::string& name) {
    const double sum = values.const_data_ptr<double>()[result.size()];
    result.emplace_back(prefix + "/" + name, as_figure(sum / static_cast<double>(targets)));
  };
  add("loss");
  for (const std::string& name : task.metrics()) add(name);
  return result;
}

}  // namespace remote::train
