#pragma once
#include <torch/nn/module.h>

#include <functional>
#include <memory>
#include <utility>

#include <remote/train/schema/component_registry.h>

namespace remote::schema {

/// One step of a model: a module and how to run it. Copies share the module.
struct Layer {
  std::shared_ptr<torch::nn::Module> module;
  std::function<torch::Tensor(const torch::Tensor&)> forward;
};

using LayerRegistry = Registry<Layer>;

/// Adds every layer that a config can name: torch.nn's, by their names and keywords there, and Residual. Layers are
/// made where the factories of the calling thread make tensors (see DeviceScope).
void register_layers(LayerRegistry& registry);

/// A module holder of torch::nn whose forward takes and returns one tensor.
template <class Holder>
Layer layer_of(Holder holder) {
  return {holder.ptr(), [holder](const torch::Tensor& input) mutable { return holder->forward(input); }};
}

/// Adds a torch::nn module that is made from its own options. `describe(FieldVisitor&, Options&)`.
template <class Holder, class Options, class Describe>
void add_module(LayerRegistry& registry, std::string name, std::string doc, Options defaults, Describe describe) {
  registry.add(std::move(name), std::move(doc), std::move(defaults), describe,
               [](const Options& options) { return layer_of(Holder(options)); });
}

// One function per file of layers; register_layers calls them all.
void register_linear_layers(LayerRegistry& registry);
void register_conv_layers(LayerRegistry& registry);
void register_norm_layers(LayerRegistry& registry);
void register_activation_layers(LayerRegistry& registry);
void register_pooling_layers(LayerRegistry& registry);
void register_sequence_layers(LayerRegistry& registry);
void register_container_layers(LayerRegistry& registry);

}  // namespace remote::schema
