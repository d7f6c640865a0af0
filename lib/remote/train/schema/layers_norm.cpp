// Batch, instance, layer, group and local response normalisation.
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/instancenorm.h>
#include <torch/nn/modules/normalization.h>

#include <remote/train/schema/layer.h>

namespace remote::schema {
namespace {

namespace nn = torch::nn;

template <class Holder>
void add_batch_norm(LayerRegistry& registry, const char* name, const char* doc) {
  add_module<Holder>(registry, name, doc, nn::BatchNormOptions(0), [](FieldVisitor& v, nn::BatchNormOptions& o) {
    v.field("num_features", o.num_features(),
            {.doc = "channels of the input", .required = true, .min = 1, .known_as = "num_channels channels"});
    v.field("eps", o.eps(), {.above = 0});
    v.field("momentum", o.momentum(),
            {.doc = "weight of a batch in the running statistics; null for a plain average", .min = 0, .max = 1});
    v.field("affine", o.affine());
    v.field("track_running_stats", o.track_running_stats());
  });
}

template <class Holder>
void add_instance_norm(LayerRegistry& registry, const char* name, const char* doc) {
  add_module<Holder>(registry, name, doc, nn::InstanceNormOptions(0), [](FieldVisitor& v, nn::InstanceNormOptions& o) {
    v.field("num_features", o.num_features(), {.doc = "channels of the input", .required = true, .min = 1});
    v.field("eps", o.eps(), {.above = 0});
    v.field("momentum", o.momentum(), {.min = 0, .max = 1});
    v.field("affine", o.affine());
    v.field("track_running_stats", o.track_running_stats());
  });
}

}  // namespace

void register_norm_layers(LayerRegistry& registry) {
  add_batch_norm<nn::BatchNorm1d>(registry, "BatchNorm1d", "batch normalisation of (N, C) or (N, C, L)");
  add_batch_norm<nn::BatchNorm2d>(registry, "BatchNorm2d", "batch normalisation of (N, C, H, W)");
  add_batch_norm<nn::BatchNorm3d>(registry, "BatchNorm3d", "batch normalisation of (N, C, D, H, W)");
  add_instance_norm<nn::InstanceNorm1d>(registry, "InstanceNorm1d", "normalises each sequence of each channel");
  add_instance_norm<nn::InstanceNorm2d>(registry, "InstanceNorm2d", "normalises each image of each channel");
  add_instance_norm<nn::InstanceNorm3d>(registry, "InstanceNorm3d", "normalises each volume of each channel");
  add_module<nn::LayerNorm>(
      registry, "LayerNorm", "normalises over the last dimensions", nn::LayerNormOptions({}),
      [](FieldVisitor& v, nn::LayerNormOptions& o) {
        v.field("normalized_shape", o.normalized_shape(),
                {.doc = "sizes of the last dimensions", .required = true, .min = 1, .scalar_is_list = true});
        v.field("eps", o.eps(), {.above = 0});
        v.field("elementwise_affine", o.elementwise_affine());
      });
  add_module<nn::GroupNorm>(registry, "GroupNorm", "normalises over groups of channels", nn::GroupNormOptions(0, 0),
                            [](FieldVisitor& v, nn::GroupNormOptions& o) {
                              v.field("num_groups", o.num_groups(), {.required = true, .min = 1});
                              v.field("num_channels", o.num_channels(),
                                      {.required = true, .min = 1, .known_as = "num_features"});
                              v.field("eps", o.eps(), {.above = 0});
                              v.field("affine", o.affine());
                              v.check(o.num_groups() <= 0 || o.num_channels() % o.num_groups() == 0, "num_groups",
                                      "num_channels (" + std::to_string(o.num_channels()) +
                                          ") must be a multiple of num_groups (" + std::to_string(o.num_groups()) + ")",
                                      {"num_channels"});
                            });
  add_module<nn::LocalResponseNorm>(
      registry, "LocalResponseNorm", "normalises over neighbouring channels", nn::LocalResponseNormOptions(0),
      [](FieldVisitor& v, nn::LocalResponseNormOptions& o) {
        v.field("size", o.size(), {.doc = "channels that count as neighbours", .required = true, .min = 1});
        v.field("alpha", o.alpha());
        v.field("beta", o.beta());
        v.field("k", o.k());
      });
}

}  // namespace remote::schema
