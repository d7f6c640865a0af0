#include <remote/train/schema/layer_stack.h>

#include <remote/train/layer_scope.h>

namespace remote::schema {

LayerStack::LayerStack(const LayerRegistry& registry, const std::vector<Component>& layers)
    : Model("Sequential") {
  for (size_t i = 0; i < layers.size(); ++i) {
    const Component& component = layers[i];
    std::string name = component.name.empty() ? std::to_string(i) : component.name;
    Step step{"layer " + name + " (" + component.label() + ")", {}};
    try {
      step.layer = registry.build(component);
    } catch (c10::Error& error) {
      error.add_context("while making " + step.label);
      throw;
    }
    register_module(name, step.layer.module);
    steps_.push_back(std::move(step));
  }
}

torch::Tensor LayerStack::forward(torch::Tensor input) {
  for (const Step& step : steps_) {
    input = train::run_layer(step.label, [&] { return step.layer.forward(input); });
  }
  return input;
}

void describe(FieldVisitor& visitor, SequentialOptions& options, const LayerRegistry& registry) {
  visitor.components("layers", registry, options.layers,
                     {.doc = "the layers, first to last", .required = true, .known_as = "modules blocks"});
  visitor.check(!options.layers.empty(), "layers", "expected at least one layer, got an empty list");
}

}  // namespace remote::schema
