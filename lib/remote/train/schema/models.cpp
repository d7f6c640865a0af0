#include <remote/train/schema/models.h>

#include <remote/train/models/char_gpt.h>
#include <remote/train/models/resnet8.h>
#include <remote/train/schema/layer_stack.h>

namespace remote::schema {
namespace {

constexpr const char* kCharGPT = "CharGPT";

/// Named architectures leave out what the data says.
struct CharGPTFields {
  train::CharGPTOptions options;
  std::optional<int64_t> vocab_size;
};

struct ResNet8Fields {
  train::ResNet8Options options;
  std::optional<int64_t> num_classes;
};

void describe(FieldVisitor& v, CharGPTFields& o) {
  v.field("n_layer", o.options.n_layer, {.doc = "blocks", .min = 1, .known_as = "num_layers layers n_layers depth"});
  v.field("n_head", o.options.n_head,
          {.doc = "attention heads of a block", .min = 1, .known_as = "num_heads nhead heads"});
  v.field("n_embd", o.options.n_embd,
          {.doc = "features of each character", .min = 1, .known_as = "d_model embed_dim hidden_size width"});
  v.field("block_size", o.options.block_size,
          {.doc = "characters of the longest sequence", .min = 1, .known_as = "context_length seq_len max_seq_len"});
  v.field("dropout", o.options.dropout, {.min = 0, .max = 1, .known_as = "p"});
  v.field("bias", o.options.bias, {.doc = "biases in linear layers and layer norms"});
  v.field("vocab_size", o.vocab_size, {.doc = "null for as many characters as the data has", .min = 1});
  v.check(o.options.n_head <= 0 || o.options.n_embd % o.options.n_head == 0, "n_head",
          "n_embd (" + std::to_string(o.options.n_embd) + ") must be a multiple of n_head (" +
              std::to_string(o.options.n_head) + ")",
          {"n_embd"});
}

void describe(FieldVisitor& v, ResNet8Fields& o) {
  v.field("in_channels", o.options.in_channels, {.doc = "channels of the images", .min = 1});
  v.field("width", o.options.width,
          {.doc = "channels of the first stage; the next two have twice and four times as many", .min = 1});
  v.field("num_classes", o.num_classes, {.doc = "null for as many as the data has", .min = 1, .known_as = "classes"});
}

}  // namespace

void register_models(ModelRegistry& registry, const LayerRegistry& layers) {
  const LayerRegistry* known = &layers;
  registry.add(
      "Sequential", "a list of layers", SequentialOptions(),
      [known](FieldVisitor& v, SequentialOptions& o) { describe(v, o, *known); },
      [known](const SequentialOptions& o, const ModelContext&) -> std::shared_ptr<train::Model> {
        return std::make_shared<LayerStack>(*known, o.layers);
      });
  registry.add(
      kCharGPT, "a small GPT over characters, nanoGPT's architecture and names", CharGPTFields(),
      [](FieldVisitor& v, CharGPTFields& o) { describe(v, o); },
      [](const CharGPTFields& o, const ModelContext& context) -> std::shared_ptr<train::Model> {
        train::CharGPTOptions options = o.options;
        options.vocab_size = o.vocab_size.value_or(context.num_classes);
        return std::make_shared<train::CharGPT>(options);
      },
      {"GPT", "NanoGPT"});
  registry.add(
      "ResNet8", "a residual network of three blocks for small images", ResNet8Fields(),
      [](FieldVisitor& v, ResNet8Fields& o) { describe(v, o); },
      [](const ResNet8Fields& o, const ModelContext& context) -> std::shared_ptr<train::Model> {
        train::ResNet8Options options = o.options;
        options.num_classes = o.num_classes.value_or(context.num_classes);
        return std::make_shared<train::ResNet8>(options);
      });
}

std::optional<int64_t> max_sequence_length(const Component& model) {
  if (!model || model.type->name != kCharGPT) return std::nullopt;
  return options_of<CharGPTFields>(model).options.block_size;
}

}  // namespace remote::schema
