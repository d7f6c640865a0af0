#include <remote/train/schema/run_options.h>

#include <remote/train/schema/describe.h>

namespace remote::schema {
namespace {

/// What the model and the data must agree on.
void check_fit(FieldVisitor& v, const RunOptions& o) {
  const auto longest = max_sequence_length(o.model), given = sequence_length(o.data);
  const bool fits = !longest || !given || *given <= *longest;
  v.check(fits, "model",
          fits ? "" : "data.block_size (" + std::to_string(*given) + ") must not exceed model.block_size (" +
                          std::to_string(*longest) + ")",
          {"data"});
}

}  // namespace

Registries::Registries() {
  register_layers(layers);
  register_models(models, layers);
  register_losses(losses);
  register_datasets(datasets);
  register_optimizers(optimizers);
  register_schedulers(schedulers);
}

RunOptions::RunOptions(const Registries& registries)
    : loss(registries.losses.make("CrossEntropyLoss")), scheduler(registries.schedulers.make("Constant")) {}

void describe(FieldVisitor& v, RunOptions& o, const Registries& registries) {
  v.field(
      "seed", o.seed,
      {.doc = "of the weights, of dropout, and of the order of the data", .known_as = "seed_everything random_seed"});
  v.component("model", registries.models, o.model,
              {.doc = "what is trained", .required = true, .known_as = "network net"});
  v.component("loss", registries.losses, o.loss,
              {.doc = "what the model's output is judged by", .required = true, .known_as = "criterion loss_fn"});
  v.component("data", registries.datasets, o.data,
              {.doc = "what it is trained on", .required = true, .known_as = "dataset"});
  check_fit(v, o);
  v.component("optimizer", registries.optimizers, o.optimizer,
              {.doc = "how weights change", .required = true, .known_as = "optim"});
  v.component("scheduler", registries.schedulers, o.scheduler,
              {.doc = "how the learning rate changes", .known_as = "lr_scheduler"});
  v.section("trainer", [&](FieldVisitor& section) { describe(section, o.trainer); },
            {.doc = "how long, and what happens on the way", .known_as = "training train"});
  v.section("checkpoint", [&](FieldVisitor& section) { describe(section, o.checkpoint); },
            {.doc = "when the run is saved", .known_as = "checkpoints checkpointer"});
  v.section("logging", [&](FieldVisitor& section) { describe(section, o.logging); },
            {.doc = "what is shown", .known_as = "logger log"});
}

}  // namespace remote::schema
