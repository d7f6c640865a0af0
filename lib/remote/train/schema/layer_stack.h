#pragma once
#include <string>
#include <vector>

#include <remote/train/model.h>
#include <remote/train/schema/layer.h>

namespace remote::schema {

/// Layers one after the other, as a config lists them. Parameters are named as torch::nn::Sequential names them: by the
/// layer's name, or else its number.
///
/// Each layer runs in a NameScope "layer 2 (Linear, configs/x.yaml:14:5)", so that an error of the worker names it; an
/// error that forward() itself throws (a shape that doesn't fit) gets the same words.
class LayerStack : public train::Model {
 public:
  /// Builds the layers, where the calling thread's factories make tensors.
  LayerStack(const LayerRegistry& registry, const std::vector<Component>& layers);

  torch::Tensor forward(torch::Tensor input) override;

 private:
  struct Step {
    std::string label;
    Layer layer;
  };
  std::vector<Step> steps_;
};

/// The options of Sequential.
struct SequentialOptions {
  std::vector<Component> layers;
};

/// `registry` must outlive what is described.
void describe(FieldVisitor& visitor, SequentialOptions& options, const LayerRegistry& registry);

}  // namespace remote::schema
