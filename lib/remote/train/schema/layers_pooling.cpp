// Max and average pooling, also to a given output size.
#include <torch/nn/modules/pooling.h>

#include <remote/train/schema/dims.h>
#include <remote/train/schema/layer.h>

namespace remote::schema {
namespace {

namespace nn = torch::nn;

struct PoolFields {
  explicit PoolFields(size_t dims)
      : kernel_size(Dims::unset(dims)),
        stride(Dims::unset(dims)),
        padding(Dims::filled(dims, 0)),
        dilation(Dims::filled(dims, 1)) {}

  Dims kernel_size;
  Dims stride;
  Dims padding;
  Dims dilation;
  bool ceil_mode = false;
  bool count_include_pad = true;
};

void describe_pool(FieldVisitor& v, PoolFields& o, bool average) {
  v.field("kernel_size", o.kernel_size, {.required = true, .min = 1, .known_as = "kernel pool_size size"});
  v.field("stride", o.stride, {.doc = "null for the kernel's size", .min = 1, .known_as = "strides"});
  v.field("padding", o.padding, {.doc = "at most half the kernel's size", .min = 0});
  if (!average) v.field("dilation", o.dilation, {.min = 1});
  v.field("ceil_mode", o.ceil_mode, {.doc = "keep an incomplete last window"});
  if (average) v.field("count_include_pad", o.count_include_pad);
  bool fits = true;
  for (size_t i = 0; i < o.kernel_size.values.size() && i < o.padding.values.size(); ++i) {
    fits = fits && o.padding.values[i] <= o.kernel_size.values[i] / 2;
  }
  v.check(fits, "padding", "padding must be at most half of kernel_size", {"kernel_size"});
}

template <size_t D, class Holder>
void add_max_pool(LayerRegistry& registry, const char* name, const char* doc) {
  registry.add(
      name, doc, PoolFields(D), [](FieldVisitor& v, PoolFields& o) { describe_pool(v, o, false); },
      [](const PoolFields& o) {
        nn::MaxPoolOptions<D> options(expanded<D>(o.kernel_size));
        if (o.stride.given()) options.stride(expanded<D>(o.stride));
        options.padding(expanded<D>(o.padding)).dilation(expanded<D>(o.dilation)).ceil_mode(o.ceil_mode);
        return layer_of(Holder(options));
      });
}

template <size_t D, class Holder>
void add_avg_pool(LayerRegistry& registry, const char* name, const char* doc) {
  registry.add(
      name, doc, PoolFields(D), [](FieldVisitor& v, PoolFields& o) { describe_pool(v, o, true); },
      [](const PoolFields& o) {
        nn::AvgPoolOptions<D> options(expanded<D>(o.kernel_size));
        if (o.stride.given()) options.stride(expanded<D>(o.stride));
        options.padding(expanded<D>(o.padding)).ceil_mode(o.ceil_mode).count_include_pad(o.count_include_pad);
        return layer_of(Holder(options));
      });
}

struct AdaptiveFields {
  Dims output_size;
};

template <size_t D, class Holder, class Options>
void add_adaptive(LayerRegistry& registry, const char* name, const char* doc) {
  using Size = std::remove_cvref_t<decltype(std::declval<Options>().output_size())>;
  registry.add(
      name, doc, AdaptiveFields{Dims::unset(D)},
      [](FieldVisitor& v, AdaptiveFields& o) {
        v.field("output_size", o.output_size, {.doc = "size of the output", .required = true, .min = 1});
      },
      [](const AdaptiveFields& o) { return layer_of(Holder(Options(Size(o.output_size.values)))); });
}

}  // namespace

void register_pooling_layers(LayerRegistry& registry) {
  add_max_pool<1, nn::MaxPool1d>(registry, "MaxPool1d", "maximum over windows of a sequence");
  add_max_pool<2, nn::MaxPool2d>(registry, "MaxPool2d", "maximum over windows of an image");
  add_max_pool<3, nn::MaxPool3d>(registry, "MaxPool3d", "maximum over windows of a volume");
  add_avg_pool<1, nn::AvgPool1d>(registry, "AvgPool1d", "mean over windows of a sequence");
  add_avg_pool<2, nn::AvgPool2d>(registry, "AvgPool2d", "mean over windows of an image");
  add_avg_pool<3, nn::AvgPool3d>(registry, "AvgPool3d", "mean over windows of a volume");
  add_adaptive<1, nn::AdaptiveAvgPool1d, nn::AdaptiveAvgPool1dOptions>(registry, "AdaptiveAvgPool1d",
                                                                       "mean to a given length");
  add_adaptive<2, nn::AdaptiveAvgPool2d, nn::AdaptiveAvgPool2dOptions>(
      registry, "AdaptiveAvgPool2d", "mean to a given image size; 1 is global pooling");
  add_adaptive<3, nn::AdaptiveAvgPool3d, nn::AdaptiveAvgPool3dOptions>(registry, "AdaptiveAvgPool3d",
                                                                       "mean to a given volume size");
  add_adaptive<1, nn::AdaptiveMaxPool1d, nn::AdaptiveMaxPool1dOptions>(registry, "AdaptiveMaxPool1d",
                                                                       "maximum to a given length");
  add_adaptive<2, nn::AdaptiveMaxPool2d, nn::AdaptiveMaxPool2dOptions>(registry, "AdaptiveMaxPool2d",
                                                                       "maximum to a given image size");
  add_adaptive<3, nn::AdaptiveMaxPool3d, nn::AdaptiveMaxPool3dOptions>(registry, "AdaptiveMaxPool3d",
                                                                       "maximum to a given volume size");
}

}  // namespace remote::schema
