// Layers made of layers.
#include <torch/nn/modules/linear.h>

#include <remote/train/schema/layer_stack.h>

namespace remote::schema {
namespace {

namespace nn = torch::nn;

struct ResidualOptions {
  std::vector<Component> layers;
  std::vector<Component> shortcut;
};

/// x + f(x), or s(x) + f(x) where the shapes differ.
class Residual : public nn::Module {
 public:
  Residual(std::shared_ptr<LayerStack> body, std::shared_ptr<LayerStack> shortcut)
      : body_(std::move(body)), shortcut_(std::move(shortcut)) {
    register_module("layers", body_);
    if (shortcut_) register_module("shortcut", shortcut_);
  }

  torch::Tensor forward(const torch::Tensor& input) {
    torch::Tensor output = body_->forward(input);
    return output + (shortcut_ ? shortcut_->forward(input) : input);
  }

 private:
  std::shared_ptr<LayerStack> body_;
  std::shared_ptr<LayerStack> shortcut_;
};

}  // namespace

void register_container_layers(LayerRegistry& registry) {
  const LayerRegistry* layers = &registry;
  registry.add(
      "Identity", "passes its input on", NoFields(), [](FieldVisitor&, NoFields&) {},
      [](const NoFields&) { return layer_of(nn::Identity()); });
  registry.add(
      "Sequential", "layers one after the other", SequentialOptions(),
      [layers](FieldVisitor& v, SequentialOptions& o) { describe(v, o, *layers); },
      [layers](const SequentialOptions& o) {
        auto stack = std::make_shared<LayerStack>(*layers, o.layers);
        return Layer{stack, [stack](const torch::Tensor& input) { return stack->forward(input); }};
      });
  registry.add(
      "Residual", "x + f(x), f being the layers within", ResidualOptions(),
      [layers](FieldVisitor& v, ResidualOptions& o) {
        v.components("layers", *layers, o.layers, {.doc = "the layers of f", .required = true});
        v.components("shortcut", *layers, o.shortcut,
                     {.doc = "layers in place of x, where f changes its shape", .known_as = "downsample"});
        v.check(!o.layers.empty(), "layers", "expected at least one layer, got an empty list");
      },
      [layers](const ResidualOptions& o) {
        auto body = std::make_shared<LayerStack>(*layers, o.layers);
        auto shortcut = o.shortcut.empty() ? nullptr : std::make_shared<LayerStack>(*layers, o.shortcut);
        auto module = std::make_shared<Residual>(body, shortcut);
        return Layer{module, [module](const torch::Tensor& input) { return module->forward(input); }};
      });
}

}  // namespace remote::schema
