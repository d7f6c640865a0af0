// Recurrent layers and attention over (batch, length, features).
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/rnn.h>
#include <torch/nn/modules/transformerlayer.h>

#include <remote/train/schema/layer.h>

namespace remote::schema {
namespace {

namespace nn = torch::nn;

/// What a recurrent layer passes on.
enum class SequenceOutput { kAll, kLast };

struct RecurrentFields {
  int64_t input_size = 0;
  int64_t hidden_size = 0;
  int64_t num_layers = 1;
  std::string nonlinearity = "tanh";
  bool bias = true;
  /// Unlike torch.nn's default: the batch is the first dimension of every data set here.
  bool batch_first = true;
  double dropout = 0;
  bool bidirectional = false;
  SequenceOutput output = SequenceOutput::kAll;
};

void describe_recurrent(FieldVisitor& v, RecurrentFields& o, bool plain) {
  v.field("input_size", o.input_size,
          {.doc = "features of each element of the input", .required = true, .min = 1, .known_as = "in_features"});
  v.field("hidden_size", o.hidden_size,
          {.doc = "features of the hidden state", .required = true, .min = 1, .known_as = "units out_features"});
  v.field("num_layers", o.num_layers, {.min = 1});
  if (plain) v.field("nonlinearity", o.nonlinearity, {.choices = {"tanh", "relu"}});
  v.field("bias", o.bias);
  v.field("batch_first", o.batch_first, {.doc = "input is (batch, length, features); true here, unlike in torch.nn"});
  v.field("dropout", o.dropout, {.doc = "between layers", .min = 0, .max = 1});
  v.field("bidirectional", o.bidirectional);
  v.choice("output", o.output, {{"all", SequenceOutput::kAll}, {"last", SequenceOutput::kLast}},
           {.doc = "pass on the output of every element, or only of the last"});
}

template <class Holder, class Options>
Layer build_recurrent(const RecurrentFields& o) {
  Options options(o.input_size, o.hidden_size);
  options.num_layers(o.num_layers).bias(o.bias).batch_first(o.batch_first).dropout(o.dropout);
  options.bidirectional(o.bidirectional);
  if constexpr (std::is_same_v<Options, nn::RNNOptions>) {
    if (o.nonlinearity == "relu") options.nonlinearity(torch::kReLU);
  }
  Holder module(options);
  int64_t length_dim = o.batch_first ? 1 : 0;
  bool last = o.output == SequenceOutput::kLast;
  return {module.ptr(), [module, last, length_dim](const torch::Tensor& input) mutable {
            torch::Tensor all = std::get<0>(module->forward(input));
            return last ? all.select(length_dim, -1) : all;
          }};
}

template <class Holder, class Options>
void add_recurrent(LayerRegistry& registry, const char* name, const char* doc) {
  registry.add(
      name, doc, RecurrentFields(),
      [](FieldVisitor& v, RecurrentFields& o) { describe_recurrent(v, o, std::is_same_v<Options, nn::RNNOptions>); },
      build_recurrent<Holder, Options>);
}

struct AttentionFields {
  int64_t embed_dim = 0;
  int64_t num_heads = 0;
  double dropout = 0;
  bool bias = true;
};

struct EncoderFields {
  int64_t d_model = 0;
  int64_t nhead = 0;
  int64_t dim_feedforward = 2048;
  double dropout = 0.1;
  std::string activation = "relu";
};

void check_heads(FieldVisitor& v, const char* heads_name, int64_t heads, const char* width_name, int64_t width) {
  v.check(heads <= 0 || width % heads == 0, heads_name,
          std::string(width_name) + " (" + std::to_string(width) + ") must be a multiple of " + heads_name + " (" +
              std::to_string(heads) + ")",
          {width_name});
}

}  // namespace

void register_sequence_layers(LayerRegistry& registry) {
  add_recurrent<nn::LSTM, nn::LSTMOptions>(registry, "LSTM", "long short-term memory over a sequence");
  add_recurrent<nn::GRU, nn::GRUOptions>(registry, "GRU", "gated recurrent units over a sequence");
  add_recurrent<nn::RNN, nn::RNNOptions>(registry, "RNN", "plain recurrent layer over a sequence");
  registry.add(
      "MultiheadAttention", "self-attention over (batch, length, features)", AttentionFields(),
      [](FieldVisitor& v, AttentionFields& o) {
        v.field("embed_dim", o.embed_dim, {.required = true, .min = 1, .known_as = "d_model"});
        v.field("num_heads", o.num_heads, {.required = true, .min = 1, .known_as = "nhead heads n_head"});
        v.field("dropout", o.dropout, {.doc = "of the attention weights", .min = 0, .max = 1});
        v.field("bias", o.bias);
        check_heads(v, "num_heads", o.num_heads, "embed_dim", o.embed_dim);
      },
      [](const AttentionFields& o) {
        nn::MultiheadAttention module(
            nn::MultiheadAttentionOptions(o.embed_dim, o.num_heads).dropout(o.dropout).bias(o.bias));
        return Layer{module.ptr(), [module](const torch::Tensor& input) mutable {
                       torch::Tensor length_first = input.transpose(0, 1);
                       auto output = module->forward(length_first, length_first, length_first, {}, false);
                       return std::get<0>(output).transpose(0, 1);
                     }};
      });
  registry.add(
      "TransformerEncoderLayer", "self-attention and a feed-forward network over (batch, length, features)",
      EncoderFields(),
      [](FieldVisitor& v, EncoderFields& o) {
        v.field("d_model", o.d_model,
                {.doc = "features of each element", .required = true, .min = 1, .known_as = "embed_dim"});
        v.field("nhead", o.nhead,
                {.doc = "attention heads", .required = true, .min = 1, .known_as = "num_heads n_head"});
        v.field("dim_feedforward", o.dim_feedforward, {.min = 1});
        v.field("dropout", o.dropout, {.min = 0, .max = 1});
        v.field("activation", o.activation, {.choices = {"relu", "gelu"}});
        check_heads(v, "nhead", o.nhead, "d_model", o.d_model);
      },
      [](const EncoderFields& o) {
        nn::TransformerEncoderLayerOptions options(o.d_model, o.nhead);
        options.dim_feedforward(o.dim_feedforward).dropout(o.dropout);
        if (o.activation == "gelu") options.activation(torch::kGELU);
        nn::TransformerEncoderLayer module(options);
        return Layer{module.ptr(), [module](const torch::Tensor& input) mutable {
                       return module->forward(input.transpose(0, 1)).transpose(0, 1);
                     }};
      });
}

}  // namespace remote::schema
