#pragma once
#include <cstdint>

#include <remote/train/options.h>
#include <remote/train/schema/datasets.h>
#include <remote/train/schema/loss.h>
#include <remote/train/schema/models.h>
#include <remote/train/schema/optimizers.h>
#include <remote/train/schema/schedulers.h>

namespace remote::schema {

/// Every component that a run can name. Options made by these registries must not outlive them.
struct Registries {
  LayerRegistry layers{"layer"};
  ModelRegistry models{"model"};
  LossRegistry losses{"loss"};
  DatasetRegistry datasets{"dataset"};
  OptimizerRegistry optimizers{"optimizer"};
  SchedulerRegistry schedulers{"scheduler"};

  /// With everything that the library has.
  Registries();
};

/// What one YAML file says: a whole run.
struct RunOptions {
  uint64_t seed = 0;
  Component model;
  Component loss;
  Component data;
  Component optimizer;
  Component scheduler;
  train::TrainerOptions trainer;
  train::CheckpointOptions checkpoint;
  train::LoggingOptions logging;

  /// The defaults: cross entropy, the optimizer's rate all the time.
  explicit RunOptions(const Registries& registries);
};

void describe(FieldVisitor& visitor, RunOptions& options, const Registries& registries);

}  // namespace remote::schema
