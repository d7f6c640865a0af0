#pragma once
#include <array>
#include <optional>
#include <string>
#include <vector>

#include <remote/train/schema/component_registry.h>

#include "apps/config/binder.h"
#include "apps/config/overrides.h"
#include "apps/config/writer.h"
#include "apps/config/yaml_reader.h"

namespace remote::config {

/// A miniature of a run's options: a section, a component with variants, a list of components.
struct SampleLayer {
  int64_t width = 0;
  double p = 0.5;
  schema::Dims kernel = schema::Dims::filled(2, 1);
};

struct SampleGroup {
  std::vector<schema::Component> layers;
};

struct SampleOptimizer {
  double lr = 0.001;
  std::array<double, 2> betas{0.9, 0.999};
  std::string mode = "none";
};

struct SampleSgd {
  double lr = 0.1;
  double momentum = 0;
};

enum class Sign { kPlus, kMinus };

struct SampleOptions {
  int64_t seed = 0;
  schema::Component optimizer;
  schema::Component scheduler;
  std::vector<schema::Component> layers;
  struct Trainer {
    std::optional<int64_t> epochs;
    std::optional<int64_t> max_steps;
    bool shuffle = true;
    std::string path = "runs";
    std::vector<int64_t> milestones;
    Sign sign = Sign::kPlus;
    uint16_t port = 80;
  } trainer;
};

struct SampleRegistries {
  schema::Registry<int> layers{"layer"};
  schema::Registry<int> optimizers{"optimizer"};
  schema::Registry<int> schedulers{"scheduler"};

  SampleRegistries() {
    layers.add(
        "Linear", "a layer", SampleLayer(),
        [](schema::FieldVisitor& v, SampleLayer& o) {
          v.field("width", o.width, {.required = true, .min = 1, .known_as = "units"});
          v.field("p", o.p, {.min = 0, .max = 1});
          v.field("kernel", o.kernel, {.min = 1, .choices = {"same"}});
        },
        [](const SampleLayer& o) { return static_cast<int>(o.width); });
    layers.add(
        "BatchNorm2d", "another", SampleGroup(),
        [this](schema::FieldVisitor& v, SampleGroup& o) { v.components("layers", layers, o.layers); },
        [](const SampleGroup& o) { return static_cast<int>(o.layers.size()); });
    optimizers.add(
        "AdamW", "adaptive", SampleOptimizer(),
        [](schema::FieldVisitor& v, SampleOptimizer& o) {
          v.field("lr", o.lr, {.above = 0, .known_as = "learning_rate"});
          v.field("betas", o.betas, {.min = 0, .below = 1});
          v.field("mode", o.mode, {.choices = {"none", "tanh"}});
        },
        [](const SampleOptimizer&) { return 1; });
    optimizers.add(
        "SGD", "plain", SampleSgd(),
        [](schema::FieldVisitor& v, SampleSgd& o) {
          v.field("lr", o.lr, {.above = 0});
          v.field("momentum", o.momentum, {.min = 0});
        },
        [](const SampleSgd&) { return 2; });
    schedulers.add(
        "StepLR", "steps", SampleSgd(), [](schema::FieldVisitor& v, SampleSgd& o) { v.field("gamma", o.lr); },
        [](const SampleSgd&) { return 3; });
  }

  void describe(schema::FieldVisitor& v, SampleOptions& o) const {
    v.field("seed", o.seed, {.min = 0});
    v.component("optimizer", optimizers, o.optimizer, {.required = true});
    v.component("scheduler", schedulers, o.scheduler);
    v.components("layers", layers, o.layers, {});
    v.section("trainer", [&](schema::FieldVisitor& t) {
      t.field("epochs", o.trainer.epochs, {.min = 1});
      t.field("max_steps", o.trainer.max_steps, {.min = 1, .known_as = "max_iters"});
      t.field("shuffle", o.trainer.shuffle);
      t.field("path", o.trainer.path);
      t.field("milestones", o.trainer.milestones);
      t.choice("sign", o.trainer.sign, {{"plus", Sign::kPlus}, {"minus", Sign::kMinus}});
      t.field("port", o.trainer.port);
      t.check(!(o.trainer.epochs && o.trainer.max_steps), "max_steps", "epochs and max_steps exclude each other",
              {"epochs"});
    });
  }
};

/// Binds a text and keeps what came of it.
struct Bound {
  SampleRegistries registries;
  SampleOptions options;
  Diagnostics diagnostics;

  explicit Bound(const std::string& yaml, const std::vector<std::string>& overrides = {}) {
    Node root = read_yaml(std::make_shared<Source>(Source::Kind::kFile, "x.yaml", yaml), diagnostics);
    apply_overrides(root, overrides, diagnostics);
    bind(root, [&](schema::FieldVisitor& v) { registries.describe(v, options); }, diagnostics);
  }
  std::string errors() const { return diagnostics.render(); }
  std::string yaml() {
    return to_yaml(to_node([&](schema::FieldVisitor& v) { registries.describe(v, options); }));
  }
};

}  // namespace remote::config
