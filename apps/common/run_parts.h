#pragma once
#include <c10/core/Device.h>

#include <memory>
#include <string>
#include <vector>

#include <remote/data/dataset.h>
#include <remote/train/metrics.h>
#include <remote/train/model.h>
#include <remote/train/schema/run_options.h>
#include <remote/train/task.h>

#include "apps/common/requirement.h"

namespace remote::app {

/// What a configuration describes, on the device that it runs on.
struct RunParts {
  data::Splits data;
  data::BatchOptions batches;
  std::shared_ptr<train::Model> model;
  std::shared_ptr<const train::Task> task;
};

/// Reads the data and sends it to the device, seeds the device's random numbers, and makes the model there: nothing but
/// the data is uploaded. Throws remote::Error for a data file that is missing or broken.
RunParts make_run_parts(const schema::RunOptions& options, const schema::Registries& registries, c10::Device device);

/// Reads what --require asks for. Throws UsageError for a figure that is none of `figures`, so that a misspelt one is
/// known before hours of training.
std::vector<Requirement> requirements_on(const std::vector<std::string>& texts,
                                         const std::vector<std::string>& figures);

/// Judges the figures of a run: says on stderr what was missed, and returns the exit code.
int judge(const std::string& program, const std::vector<Requirement>& requirements, const train::MetricValues& metrics);

}  // namespace remote::app
