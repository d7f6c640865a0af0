#pragma once
#include <ATen/core/Tensor.h>

#include <memory>
#include <string>
#include <vector>

#include <remote/data/dataset.h>

namespace remote::train {

/// What a model's output is judged by. Nothing here reads a value of a tensor. Immutable.
class Task {
 public:
  virtual ~Task() = default;

  /// The mean loss over the targets, 0-dim, for backward().
  virtual at::Tensor loss(const at::Tensor& output, const at::Tensor& target) const = 0;

  /// Which figures an evaluation has beside the loss, for instance {"accuracy"}.
  virtual std::vector<std::string> metrics() const { return {}; }
  /// One 0-dim tensor for each of metrics(): its sum over the targets.
  virtual std::vector<at::Tensor> metric_sums(const at::Tensor& output, const at::Tensor& target) const { return {}; }
};

/// Names and defaults as torch.nn.CrossEntropyLoss has them.
struct CrossEntropyLossOptions {
  double label_smoothing = 0;
  /// Targets of this value don't count.
  int64_t ignore_index = -100;
};

/// As torch.nn.NLLLoss: for a model that ends in LogSoftmax.
struct NLLLossOptions {
  int64_t ignore_index = -100;
};

/// Classes as targets: `output` is [..., C], `target` int64 [...]. A classification has an accuracy, a language model
/// has the loss alone.
std::shared_ptr<const Task> make_task(const CrossEntropyLossOptions& options, data::Purpose purpose);
std::shared_ptr<const Task> make_task(const NLLLossOptions& options, data::Purpose purpose);

}  // namespace remote::train
