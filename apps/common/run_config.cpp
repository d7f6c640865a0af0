#include "apps/common/run_config.h"

#include "apps/common/guarded_main.h"
#include "apps/config/binder.h"
#include "apps/config/overrides.h"
#include "apps/config/suggest.h"
#include "apps/config/writer.h"
#include "apps/config/yaml_reader.h"

namespace remote::app {
namespace {

using schema::ComponentRegistry;
using schema::FieldVisitor;
using schema::Registries;
using schema::RunOptions;

/// Finds one section of a description, to explain it alone.
class SectionFinder : public FieldVisitor {
 public:
  explicit SectionFinder(std::string name) : name_(std::move(name)) {}
  std::string text;

  void section(std::string_view name, const std::function<void(FieldVisitor&)>& describe,
               const schema::Field&) override {
    if (name == name_) text = name_ + ":\n" + config::reference(describe, 2);
  }
  void component(std::string_view, const ComponentRegistry&, schema::Component&, const schema::Field&) override {}
  void components(std::string_view, const ComponentRegistry&, std::vector<schema::Component>&,
                  const schema::Field&) override {}

 protected:
  void visit_value(std::string_view, schema::FieldRef, const schema::Field&) override {}

 private:
  std::string name_;
};

std::vector<const ComponentRegistry*> all_registries(const Registries& r) {
  return {&r.models, &r.layers, &r.losses, &r.datasets, &r.optimizers, &r.schedulers};
}

std::string plural(const ComponentRegistry& registry) {
  return registry.kind() + (registry.kind().ends_with("s") ? "es" : "s");
}

}  // namespace

RunOptions load_run_config(const std::string& path, const std::vector<std::string>& overrides,
                           const Registries& registries) {
  config::Diagnostics diagnostics;
  RunOptions options(registries);
  try {
    config::Node root = config::read_yaml(config::read_source(path), diagnostics);
    if (root.kind == config::Node::Kind::kNull && diagnostics.empty()) {
      throw UsageError(path +
                       ": the file is empty; expected a configuration with the sections model, data, optimizer and "
                       "trainer");
    }
    config::apply_overrides(root, overrides, diagnostics);
    config::bind(root, [&](FieldVisitor& visitor) { describe(visitor, options, registries); }, diagnostics);
  } catch (const config::SourceError& error) {
    throw UsageError(error.what());
  }
  if (!diagnostics.empty()) throw UsageError(diagnostics.render());
  return options;
}

std::string resolved_yaml(RunOptions options, const Registries& registries) {
  return config::to_yaml(config::to_node([&](FieldVisitor& visitor) { describe(visitor, options, registries); }));
}

std::string explain_config(const std::string& topic, const Registries& registries) {
  RunOptions options(registries);
  auto whole = [&](FieldVisitor& visitor) { describe(visitor, options, registries); };
  if (topic.empty()) {
    std::string text = config::reference(whole);
    for (const ComponentRegistry* registry : all_registries(registries)) {
      text += "\n" + plural(*registry) + ":\n" + config::type_list(*registry);
    }
    return text + "\n'rt-train --help-config NAME' explains one of these.\n";
  }
  SectionFinder finder(topic);
  whole(finder);
  if (!finder.text.empty()) return finder.text;
  std::vector<std::string> names;
  for (const ComponentRegistry* registry : all_registries(registries)) {
    bool key = topic == "data" && registry == &registries.datasets;
    if (key || topic == registry->kind() || topic == plural(*registry)) return config::type_list(*registry);
    names.push_back(plural(*registry));
    for (const auto& type : registry->types()) names.push_back(type.name);
  }
  // A name can be that of a model and of a layer: Sequential.
  std::string text;
  for (const ComponentRegistry* registry : all_registries(registries)) {
    const schema::ComponentType* type = registry->find(topic);
    if (type) text += (text.empty() ? "" : "\n") + registry->kind() + " " + config::reference(*type);
  }
  if (!text.empty()) return text;
  std::string near = config::closest(topic, names);
  throw UsageError(
      "there is nothing called '" + topic + "' in the configuration" +
      (near.empty() ? "; 'rt-train --help-config' lists what there is" : "; did you mean '" + near + "'?"));
}

}  // namespace remote::app
