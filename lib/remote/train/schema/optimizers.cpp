#include <remote/train/schema/optimizers.h>

#include <remote/train/schema/describe.h>

namespace remote::schema {
namespace {

template <class Options>
void add_optimizer(OptimizerRegistry& registry, const char* name, const char* doc) {
  registry.add(
      name, doc, Options(), [](FieldVisitor& v, Options& o) { describe(v, o); },
      [](const Options& o, const torch::nn::Module& module) { return train::make_optimizer(o, module); });
}

}  // namespace

void register_optimizers(OptimizerRegistry& registry) {
  add_optimizer<train::SGDOptions>(registry, "SGD", "gradient descent with momentum; one operation a step");
  add_optimizer<train::AdamOptions>(registry, "Adam", "adaptive moments; one operation a step");
  add_optimizer<train::AdamWOptions>(registry, "AdamW", "Adam with decoupled weight decay; one operation a step");
  add_optimizer<train::RMSpropOptions>(registry, "RMSprop", "scaled by a running mean of squares");
  add_optimizer<train::AdagradOptions>(registry, "Adagrad", "scaled by the sum of squares");
}

}  // namespace remote::schema
