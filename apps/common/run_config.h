#pragma once
#include <string>
#include <vector>

#include <remote/train/schema/run_options.h>

namespace remote::app {

/// Reads a run's configuration: the file, then the overrides of the command line. Throws UsageError whose text is every
/// problem that was found, each with its place.
schema::RunOptions load_run_config(const std::string& path, const std::vector<std::string>& overrides,
                                   const schema::Registries& registries);

/// The configuration with all defaults as YAML, which reads back as the same options.
std::string resolved_yaml(schema::RunOptions options, const schema::Registries& registries);

/// Explains the configuration: all of it for "", else a section ("trainer"), a kind ("layers", "optimizer") or one
/// component
/// ("Conv2d"). Throws UsageError for another topic.
std::string explain_config(const std::string& topic, const schema::Registries& registries);

}  // namespace remote::app
