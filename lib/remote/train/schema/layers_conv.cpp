// Convolutions, transposed ones, and padding.
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/padding.h>

#include <remote/train/schema/dims.h>
#include <remote/train/schema/layer.h>

namespace remote::schema {
namespace {

namespace nn = torch::nn;

/// The keywords that a convolution and its transpose share.
struct ConvFields {
  explicit ConvFields(size_t dims)
      : kernel_size(Dims::unset(dims)),
        stride(Dims::filled(dims, 1)),
        padding(Dims::filled(dims, 0)),
        output_padding(Dims::filled(dims, 0)),
        dilation(Dims::filled(dims, 1)) {}

  int64_t in_channels = 0;
  int64_t out_channels = 0;
  Dims kernel_size;
  Dims stride;
  Dims padding;
  Dims output_padding;
  Dims dilation;
  int64_t groups = 1;
  bool bias = true;
  std::string padding_mode = "zeros";
};

void describe_conv(FieldVisitor& v, ConvFields& o, bool transposed) {
  v.field("in_channels", o.in_channels,
          {.doc = "channels of the input", .required = true, .min = 1, .known_as = "in_features input_channels"});
  v.field(
      "out_channels", o.out_channels,
      {.doc = "channels of the output", .required = true, .min = 1, .known_as = "out_features filters num_filters"});
  v.field("kernel_size", o.kernel_size, {.required = true, .min = 1, .known_as = "kernel size"});
  v.field("stride", o.stride, {.min = 1, .known_as = "strides"});
  if (transposed) {
    v.field("padding", o.padding, {.min = 0});
    v.field("output_padding", o.output_padding, {.doc = "added to one side of the output", .min = 0});
  } else {
    v.field("padding", o.padding,
            {.doc = "zeros added on both sides", .min = 0, .choices = {"valid", "same"}, .known_as = "pad"});
  }
  v.field("dilation", o.dilation, {.min = 1});
  v.field("groups", o.groups, {.min = 1});
  v.field("bias", o.bias);
  if (!transposed) v.field("padding_mode", o.padding_mode, {.choices = {"zeros", "reflect", "replicate", "circular"}});
  v.check(o.in_channels % o.groups == 0 && o.out_channels % o.groups == 0, "groups",
          "in_channels (" + std::to_string(o.in_channels) + ") and out_channels (" + std::to_string(o.out_channels) +
              ") must be multiples of groups (" + std::to_string(o.groups) + ")",
          {"in_channels", "out_channels"});
  bool strided =
      std::any_of(o.stride.values.begin(), o.stride.values.end(), [](int64_t stride) { return stride != 1; });
  v.check(o.padding.word != "same" || !strided, "padding", "padding 'same' takes no stride other than 1", {"stride"});
}

template <size_t D, class Mode>
Mode padding_mode(const std::string& word) {
  if (word == "reflect") return torch::kReflect;
  if (word == "replicate") return torch::kReplicate;
  if (word == "circular") return torch::kCircular;
  return torch::kZeros;
}

template <size_t D, class Holder>
void add_conv(LayerRegistry& registry, const char* name, const char* doc) {
  registry.add(
      name, doc, ConvFields(D), [](FieldVisitor& v, ConvFields& o) { describe_conv(v, o, false); },
      [](const ConvFields& o) {
        nn::ConvOptions<D> options(o.in_channels, o.out_channels, expanded<D>(o.kernel_size));
        options.stride(expanded<D>(o.stride)).dilation(expanded<D>(o.dilation)).groups(o.groups).bias(o.bias);
        if (o.padding.word == "same") {
          options.padding(torch::kSame);
        } else if (o.padding.word == "valid") {
          options.padding(torch::kValid);
        } else {
          options.padding(expanded<D>(o.padding));
        }
        options.padding_mode(padding_mode<D, typename nn::ConvOptions<D>::padding_mode_t>(o.padding_mode));
        return layer_of(Holder(options));
      });
}

template <size_t D, class Holder>
void add_transposed(LayerRegistry& registry, const char* name, const char* doc) {
  registry.add(
      name, doc, ConvFields(D), [](FieldVisitor& v, ConvFields& o) { describe_conv(v, o, true); },
      [](const ConvFields& o) {
        nn::ConvTransposeOptions<D> options(o.in_channels, o.out_channels, expanded<D>(o.kernel_size));
        options.stride(expanded<D>(o.stride)).dilation(expanded<D>(o.dilation)).groups(o.groups).bias(o.bias);
        options.padding(expanded<D>(o.padding)).output_padding(expanded<D>(o.output_padding));
        auto module = Holder(options);
        // forward has a second argument with a default, which a call through a deduced type would lose.
        return Layer{module.ptr(), [module](const torch::Tensor& input) mutable { return module->forward(input); }};
      });
}

struct PadFields {
  explicit PadFields(size_t dims) : padding(Dims::unset(2 * dims)) {}
  Dims padding;
  double value = 0;
};

template <size_t D, class Holder, class Options>
void add_padding(LayerRegistry& registry, const char* name, const char* doc) {
  constexpr bool kHasValue = std::is_constructible_v<Options, torch::ExpandingArray<D * 2>, double>;
  registry.add(
      name, doc, PadFields(D),
      [](FieldVisitor& v, PadFields& o) {
        v.field("padding", o.padding, {.doc = "one number, or (left, right, top, bottom)", .required = true});
        if constexpr (kHasValue) v.field("value", o.value);
      },
      [](const PadFields& o) {
        if constexpr (kHasValue) {
          return layer_of(Holder(Options(expanded<D * 2>(o.padding), o.value)));
        } else {
          return layer_of(Holder(Options(expanded<D * 2>(o.padding))));
        }
      });
}

}  // namespace

void register_conv_layers(LayerRegistry& registry) {
  add_conv<1, nn::Conv1d>(registry, "Conv1d", "convolution over sequences (N, C, L)");
  add_conv<2, nn::Conv2d>(registry, "Conv2d", "convolution over images (N, C, H, W)");
  add_conv<3, nn::Conv3d>(registry, "Conv3d", "convolution over volumes (N, C, D, H, W)");
  add_transposed<1, nn::ConvTranspose1d>(registry, "ConvTranspose1d", "transposed convolution over sequences");
  add_transposed<2, nn::ConvTranspose2d>(registry, "ConvTranspose2d", "transposed convolution over images");
  add_transposed<3, nn::ConvTranspose3d>(registry, "ConvTranspose3d", "transposed convolution over volumes");
  add_padding<1, nn::ConstantPad1d, nn::ConstantPad1dOptions>(registry, "ConstantPad1d", "pads with a value");
  add_padding<2, nn::ConstantPad2d, nn::ConstantPad2dOptions>(registry, "ConstantPad2d", "pads with a value");
  add_padding<1, nn::ZeroPad1d, nn::ZeroPad1dOptions>(registry, "ZeroPad1d", "pads with zeros");
  add_padding<2, nn::ZeroPad2d, nn::ZeroPad2dOptions>(registry, "ZeroPad2d", "pads with zeros");
  add_padding<1, nn::ReflectionPad1d, nn::ReflectionPad1dOptions>(registry, "ReflectionPad1d",
                                                                  "pads with the mirrored edge");
  add_padding<2, nn::ReflectionPad2d, nn::ReflectionPad2dOptions>(registry, "ReflectionPad2d",
                                                                  "pads with the mirrored edge");
  add_padding<1, nn::ReplicationPad1d, nn::ReplicationPad1dOptions>(registry, "ReplicationPad1d", "pads with the edge");
  add_padding<2, nn::ReplicationPad2d, nn::ReplicationPad2dOptions>(registry, "ReplicationPad2d", "pads with the edge");
}

}  // namespace remote::schema
