// Linear, Embedding, the dropouts, and what only changes shapes.
#include <torch/nn/functional/upsampling.h>
#include <torch/nn/modules/dropout.h>
#include <torch/nn/modules/embedding.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/pixelshuffle.h>

#include <remote/train/schema/layer.h>

namespace remote::schema {
namespace {

namespace nn = torch::nn;

/// torch::nn::Unflatten takes one dimension and the sizes that it becomes.
struct UnflattenFields {
  int64_t dim = 1;
  std::vector<int64_t> unflattened_size;
};

struct UpsampleFields {
  std::vector<int64_t> size;
  std::vector<double> scale_factor;
  std::string mode = "nearest";
  std::optional<bool> align_corners;
};

/// One value, as often as the input has spatial dimensions: LibTorch wants one each.
template <class T>
std::vector<T> per_dimension(const std::vector<T>& values, const torch::Tensor& input) {
  return values.size() == 1 ? std::vector<T>(std::max<int64_t>(input.dim() - 2, 1), values.front()) : values;
}

Layer build_upsample(const UpsampleFields& fields) {
  nn::functional::InterpolateFuncOptions options;
  if (fields.mode == "nearest") options.mode(torch::kNearest);
  if (fields.mode == "linear") options.mode(torch::kLinear);
  if (fields.mode == "bilinear") options.mode(torch::kBilinear);
  if (fields.mode == "bicubic") options.mode(torch::kBicubic);
  if (fields.mode == "trilinear") options.mode(torch::kTrilinear);
  if (fields.align_corners) options.align_corners(*fields.align_corners);
  return {nn::Identity().ptr(), [fields, options](const torch::Tensor& input) {
            auto sized = options;
            if (!fields.size.empty()) sized.size(per_dimension(fields.size, input));
            if (!fields.scale_factor.empty()) sized.scale_factor(per_dimension(fields.scale_factor, input));
            return nn::functional::interpolate(input, sized);
          }};
}

template <class Holder, class Options>
void add_dropout(LayerRegistry& registry, const char* name, const char* doc) {
  add_module<Holder>(registry, name, doc, Options(), [](FieldVisitor& v, Options& o) {
    v.field("p", o.p(),
            {.doc = "probability that an element is zeroed", .min = 0, .max = 1, .known_as = "rate prob dropout"});
    v.field("inplace", o.inplace());
  });
}

}  // namespace

void register_linear_layers(LayerRegistry& registry) {
  add_module<nn::Linear>(
      registry, "Linear", "y = x W^T + b", nn::LinearOptions(0, 0), [](FieldVisitor& v, nn::LinearOptions& o) {
        v.field("in_features", o.in_features(),
                {.doc = "features of each input", .required = true, .min = 1, .known_as = "input_size in_dim"});
        v.field("out_features", o.out_features(),
                {.doc = "features of each output",
                 .required = true,
                 .min = 1,
                 .known_as = "units output_size hidden_size out_dim num_outputs"});
        v.field("bias", o.bias());
      });
  add_module<nn::Embedding>(
      registry, "Embedding", "a row of a table for each index", nn::EmbeddingOptions(0, 0),
      [](FieldVisitor& v, nn::EmbeddingOptions& o) {
        v.field("num_embeddings", o.num_embeddings(),
                {.doc = "rows of the table", .required = true, .min = 1, .known_as = "vocab_size"});
        v.field("embedding_dim", o.embedding_dim(),
                {.doc = "length of a row", .required = true, .min = 1, .known_as = "dim size"});
        v.field("padding_idx", o.padding_idx(), {.doc = "index whose row is zero and gets no gradient"});
        v.field("max_norm", o.max_norm(), {.doc = "rows longer than this are scaled down", .above = 0});
        v.field("norm_type", o.norm_type());
        v.field("scale_grad_by_freq", o.scale_grad_by_freq());
      });
  add_dropout<nn::Dropout, nn::DropoutOptions>(registry, "Dropout", "zeroes random elements in training");
  add_dropout<nn::Dropout2d, nn::Dropout2dOptions>(registry, "Dropout2d", "zeroes random channels in training");
  add_dropout<nn::Dropout3d, nn::Dropout3dOptions>(registry, "Dropout3d",
                                                   "zeroes random channels of volumes in training");
  add_dropout<nn::AlphaDropout, nn::AlphaDropoutOptions>(registry, "AlphaDropout",
                                                         "dropout that keeps mean and variance, for SELU");
  add_module<nn::Flatten>(registry, "Flatten", "joins dimensions into one", nn::FlattenOptions(),
                          [](FieldVisitor& v, nn::FlattenOptions& o) {
                            v.field("start_dim", o.start_dim());
                            v.field("end_dim", o.end_dim());
                          });
  registry.add(
      "Unflatten", "splits one dimension into several", UnflattenFields(),
      [](FieldVisitor& v, UnflattenFields& o) {
        v.field("dim", o.dim);
        v.field("unflattened_size", o.unflattened_size,
                {.doc = "sizes that the dimension becomes", .required = true, .min = -1});
      },
      [](const UnflattenFields& o) {
        return layer_of(nn::Unflatten(nn::UnflattenOptions(o.dim, o.unflattened_size)));
      });
  registry.add(
      "Upsample", "makes images larger", UpsampleFields(),
      [](FieldVisitor& v, UpsampleFields& o) {
        v.field("size", o.size, {.doc = "size of the output", .min = 1, .scalar_is_list = true});
        v.field("scale_factor", o.scale_factor, {.doc = "how many times larger", .above = 0, .scalar_is_list = true});
        v.field("mode", o.mode, {.choices = {"nearest", "linear", "bilinear", "bicubic", "trilinear"}});
        v.field("align_corners", o.align_corners);
        v.check(o.size.empty() != o.scale_factor.empty(), "size", "give one of size and scale_factor",
                {"scale_factor"});
      },
      build_upsample);
  add_module<nn::PixelShuffle>(registry, "PixelShuffle", "moves channels into space", nn::PixelShuffleOptions(0),
                               [](FieldVisitor& v, nn::PixelShuffleOptions& o) {
                                 v.field("upscale_factor", o.upscale_factor(), {.required = true, .min = 1});
                               });
  add_module<nn::PixelUnshuffle>(registry, "PixelUnshuffle", "moves space into channels", nn::PixelUnshuffleOptions(0),
                                 [](FieldVisitor& v, nn::PixelUnshuffleOptions& o) {
                                   v.field("downscale_factor", o.downscale_factor(), {.required = true, .min = 1});
                                 });
}

}  // namespace remote::schema
