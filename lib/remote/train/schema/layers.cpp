#include <remote/train/schema/layer.h>

namespace remote::schema {

void register_layers(LayerRegistry& registry) {
  register_linear_layers(registry);
  register_conv_layers(registry);
  register_norm_layers(registry);
  register_activation_layers(registry);
  register_pooling_layers(registry);
  register_sequence_layers(registry);
  register_container_layers(registry);
}

}  // namespace remote::schema
