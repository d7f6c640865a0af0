#include "apps/common/run_parts.h"

#include <algorithm>
#include <iostream>
#include <optional>

#include <remote/device/device_scope.h>
#include <remote/train/rng.h>

#include "apps/common/exit_code.h"
#include "apps/common/guarded_main.h"
#include "apps/config/suggest.h"

namespace remote::app {

RunParts make_run_parts(const schema::RunOptions& options, const schema::Registries& registries, c10::Device device) {
  const schema::DataSource source = registries.datasets.build(options.data);
  RunParts parts{source.load(device), source.batches, nullptr, nullptr};
  train::seed_rng(device, options.seed);
  std::optional<DeviceScope> born_there;
  if (!device.is_cpu()) born_there.emplace(device);
  parts.model = registries.models.build(options.model, {parts.data.num_classes});
  parts.task = registries.losses.build(options.loss, parts.data.purpose);
  return parts;
}

std::vector<Requirement> requirements_on(const std::vector<std::string>& texts,
                                         const std::vector<std::string>& figures) {
  std::vector<Requirement> requirements;
  for (const std::string& text : texts) {
    Requirement requirement = parse_requirement(text);
    if (std::find(figures.begin(), figures.end(), requirement.metric) == figures.end()) {
      const std::string near = config::closest(requirement.metric, figures);
      throw UsageError(
          "--require '" + text + "': the run has no figure '" + requirement.metric + "'; " +
          (near.empty() ? "it has " + config::join_names(figures, "and") : "did you mean '" + near + "'?"));
    }
    requirements.push_back(std::move(requirement));
  }
  return requirements;
}

int judge(const std::string& program, const std::vector<Requirement>& requirements,
          const train::MetricValues& metrics) {
  const std::vector<std::string> lines = missed(requirements, {metrics.begin(), metrics.end()});
  for (const std::string& line : lines) std::cerr << program << ": " << line << "\n";
  return lines.empty() ? kExitDone : kExitFailed;
}

}  // namespace remote::app
