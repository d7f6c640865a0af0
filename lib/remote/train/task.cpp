#include <remote/train/task.h>

#include <ATen/ATen.h>

#include <functional>

namespace remote::train {
namespace {

using Loss = std::function<at::Tensor(const at::Tensor& scores_NC, const at::Tensor& target_N)>;

/// Scores of classes against the right class.
class ClassTask final : public Task {
 public:
  ClassTask(Loss loss, data::Purpose purpose)
      : loss_(std::move(loss)), counts_hits_(purpose == data::Purpose::kClassification) {}

  at::Tensor loss(const at::Tensor& output, const at::Tensor& target) const override {
    TORCH_CHECK(output.dim() == target.dim() + 1 && output.sizes().slice(0, target.dim()) == target.sizes(),
                "the loss needs one score per class for each target: targets are ", target.sizes(),
                ", so the model's output should be those dimensions and then the number of classes; it is ",
                output.sizes());
    return loss_(output.dim() == 2 ? output : output.reshape({-1, output.size(-1)}), target.reshape({-1}));
  }

  std::vector<std::string> metrics() const override {
    return counts_hits_ ? std::vector<std::string>{"accuracy"} : std::vector<std::string>{};
  }

  std::vector<at::Tensor> metric_sums(const at::Tensor& output, const at::Tensor& target) const override {
    if (!counts_hits_) return {};
    return {output.argmax(-1).eq(target).sum()};
  }

 private:
  Loss loss_;
  bool counts_hits_;
};

}  // namespace

std::shared_ptr<const Task> make_task(const CrossEntropyLossOptions& options, data::Purpose purpose) {
  return std::make_shared<ClassTask>(
      [options](const at::Tensor& scores, const at::Tensor& target) {
        return at::cross_entropy_loss(scores, target, {}, at::Reduction::Mean, options.ignore_index,
                                      options.label_smoothing);
      },
      purpose);
}

std::shared_ptr<const Task> make_task(const NLLLossOptions& options, data::Purpose purpose) {
  return std::make_shared<ClassTask>(
      [options](const at::Tensor& scores, const at::Tensor& target) {
        return at::nll_loss(scores, target, {}, at::Reduction::Mean, options.ignore_index);
      },
      purpose);
}

}  // namespace remote::train
