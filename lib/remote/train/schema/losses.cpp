#include <remote/train/schema/describe.h>
#include <remote/train/schema/loss.h>

namespace remote::schema {
namespace {

using at::Tensor;
using train::Task;

struct BetaFields {
  double beta = 1;
};

struct DeltaFields {
  double delta = 1;
};

using ValueLoss = std::function<Tensor(const Tensor& output, const Tensor& values)>;

/// Class labels compared as rows of zeros with a one at the label.
class ValueTask final : public Task {
 public:
  ValueTask(ValueLoss loss, data::Purpose purpose)
      : loss_(std::move(loss)), classes_(train::make_task(train::CrossEntropyLossOptions(), purpose)) {}

  Tensor loss(const Tensor& output, const Tensor& target) const override {
    TORCH_CHECK(output.dim() == target.dim() + 1, "the loss needs one value per class for each target: targets are ",
                target.sizes(), ", the model's output is ", output.sizes());
    // Not at::one_hot, which reads the labels to check them.
    return loss_(output, at::zeros_like(output).scatter_(-1, target.unsqueeze(-1), 1.0));
  }

  std::vector<std::string> metrics() const override { return classes_->metrics(); }
  std::vector<Tensor> metric_sums(const Tensor& output, const Tensor& target) const override {
    return classes_->metric_sums(output, target);
  }

 private:
  ValueLoss loss_;
  std::shared_ptr<const Task> classes_;
};

std::shared_ptr<const Task> value_task(ValueLoss loss, data::Purpose purpose) {
  return std::make_shared<ValueTask>(std::move(loss), purpose);
}

void add_value_loss(LossRegistry& registry, const char* name, const char* doc, ValueLoss loss) {
  registry.add(
      name, doc, NoFields(), [](FieldVisitor&, NoFields&) {},
      [loss](const NoFields&, data::Purpose purpose) { return value_task(loss, purpose); });
}

template <class Options>
void add_class_loss(LossRegistry& registry, const char* name, const char* doc,
                    std::initializer_list<std::string_view> aliases = {}) {
  registry.add(
      name, doc, Options(), [](FieldVisitor& v, Options& o) { describe(v, o); },
      [](const Options& o, data::Purpose purpose) { return train::make_task(o, purpose); }, aliases);
}

}  // namespace

void register_losses(LossRegistry& registry) {
  add_class_loss<train::CrossEntropyLossOptions>(
      registry, "CrossEntropyLoss", "log softmax and negative log likelihood of the label", {"CrossEntropy"});
  add_class_loss<train::NLLLossOptions>(registry, "NLLLoss",
                                        "negative log likelihood of the label, for a model that ends in LogSoftmax");
  add_value_loss(registry, "MSELoss", "mean squared difference",
                 [](const Tensor& output, const Tensor& values) { return at::mse_loss(output, values); });
  add_value_loss(registry, "L1Loss", "mean absolute difference",
                 [](const Tensor& output, const Tensor& values) { return at::l1_loss(output, values); });
  add_value_loss(
      registry, "BCEWithLogitsLoss", "sigmoid and binary cross entropy",
      [](const Tensor& output, const Tensor& values) { return at::binary_cross_entropy_with_logits(output, values); });
  registry.add(
      "SmoothL1Loss", "squared difference below beta, absolute above", BetaFields(),
      [](FieldVisitor& v, BetaFields& o) { v.field("beta", o.beta, {.min = 0}); },
      [](const BetaFields& o, data::Purpose purpose) {
        return value_task(
            [beta = o.beta](const Tensor& output, const Tensor& values) {
              return at::smooth_l1_loss(output, values, at::Reduction::Mean, beta);
            },
            purpose);
      });
  registry.add(
      "HuberLoss", "squared difference below delta, absolute above, scaled by delta", DeltaFields(),
      [](FieldVisitor& v, DeltaFields& o) { v.field("delta", o.delta, {.above = 0}); },
      [](const DeltaFields& o, data::Purpose purpose) {
        return value_task(
            [delta = o.delta](const Tensor& output, const Tensor& values) {
              return at::huber_loss(output, values, at::Reduction::Mean, delta);
            },
            purpose);
      });
}

}  // namespace remote::schema
