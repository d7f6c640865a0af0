#include "module_case.h"

namespace remote::nn::test {

namespace {

void add_recurrent(ModuleCases& c) {
  const at::Tensor x = numbers({5, 2, 4}), cell_x = numbers({2, 4});
  REMOTE_NN_CASE(c, RNN, 1, (x), RNNOptions(4, 3).num_layers(2));
  REMOTE_NN_CASE(c, GRU, 1, (x), GRUOptions(4, 3).bidirectional(true));
  REMOTE_NN_CASE(c, LSTM, 1, (x), LSTMOptions(4, 3).num_layers(2).bidirectional(true));
  REMOTE_NN_CASE(c, RNNCell, 1, (cell_x), RNNCellOptions(4, 3));
  REMOTE_NN_CASE(c, GRUCell, 1, (cell_x), GRUCellOptions(4, 3));
  REMOTE_NN_CASE(c, LSTMCell, 1, (cell_x), LSTMCellOptions(4, 3));
}

void add_attention(ModuleCases& c) {
  const at::Tensor source = numbers({5, 2, 8}), target = other_numbers({3, 2, 8});
  REMOTE_NN_CASE(c, MultiheadAttention, 3, (target, source, source.flip(0)), MultiheadAttentionOptions(8, 2));
  REMOTE_NN_CASE(c, TransformerEncoderLayer, 1, (source), TransformerEncoderLayerOptions(8, 2).dim_feedforward(16));
  REMOTE_NN_CASE(c, TransformerDecoderLayer, 2, (target, source),
                 TransformerDecoderLayerOptions(8, 2).dim_feedforward(16));
  add_case(
      c, "TransformerEncoder", {source},
      [] { return make<torch::nn::TransformerEncoder, 1>(torch::nn::TransformerEncoderLayer(8, 2), 2); },
      [] { return make<remote::nn::TransformerEncoder, 1>(remote::nn::TransformerEncoderLayer(8, 2), 2); });
  add_case(
      c, "TransformerDecoder", {target, source},
      [] { return make<torch::nn::TransformerDecoder, 2>(torch::nn::TransformerDecoderLayer(8, 2), 2); },
      [] { return make<remote::nn::TransformerDecoder, 2>(remote::nn::TransformerDecoderLayer(8, 2), 2); });
  REMOTE_NN_CASE(c, Transformer, 2, (source, target),
                 TransformerOptions(8, 2, 1, 1).dim_feedforward(16));
}

}  // namespace

void add_parameter_modules(ModuleCases& c) {
  const at::Tensor x_1d = numbers({2, 3, 8}), x_2d = numbers({2, 3, 6, 6}), x_3d = numbers({2, 3, 4, 5, 4});
  REMOTE_NN_CASE(c, Linear, 1, (numbers({5, 4})), 4, 3);
  REMOTE_NN_CASE(c, Bilinear, 2, (numbers({5, 3}), other_numbers({5, 4})), BilinearOptions(3, 4, 2));
  REMOTE_NN_CASE(c, PReLU, 1, (x_1d), PReLUOptions().num_parameters(3));
  REMOTE_NN_CASE(c, Embedding, 1, (indices(10, {2, 4})), 10, 3);
  REMOTE_NN_CASE(c, EmbeddingBag, 1, (indices(10, {2, 4})), 10, 3);
  REMOTE_NN_CASE(c, Conv1d, 1, (x_1d), Conv1dOptions(3, 4, 3).padding(1));
  REMOTE_NN_CASE(c, Conv2d, 1, (x_2d), Conv2dOptions(3, 4, 3).stride(2));
  REMOTE_NN_CASE(c, Conv3d, 1, (x_3d), Conv3dOptions(3, 2, 2));
  REMOTE_NN_CASE(c, ConvTranspose1d, 1, (x_1d), ConvTranspose1dOptions(3, 4, 3).stride(2));
  REMOTE_NN_CASE(c, ConvTranspose2d, 1, (x_2d), ConvTranspose2dOptions(3, 4, 3).stride(2));
  REMOTE_NN_CASE(c, ConvTranspose3d, 1, (x_3d), ConvTranspose3dOptions(3, 2, 2));
  REMOTE_NN_CASE(c, BatchNorm1d, 1, (x_1d), 3);
  REMOTE_NN_CASE(c, BatchNorm2d, 1, (x_2d), 3);
  REMOTE_NN_CASE(c, BatchNorm3d, 1, (x_3d), 3);
  REMOTE_NN_CASE(c, InstanceNorm1d, 1, (x_1d), InstanceNorm1dOptions(3).affine(true).track_running_stats(true));
  REMOTE_NN_CASE(c, InstanceNorm2d, 1, (x_2d), InstanceNorm2dOptions(3).affine(true));
  REMOTE_NN_CASE(c, InstanceNorm3d, 1, (x_3d), InstanceNorm3dOptions(3).affine(true));
  REMOTE_NN_CASE(c, LayerNorm, 1, (x_1d), LayerNormOptions({8}));
  REMOTE_NN_CASE(c, GroupNorm, 1, (numbers({2, 4, 5})), GroupNormOptions(2, 4));
  REMOTE_NN_CASE(c, AdaptiveLogSoftmaxWithLoss, 2, (numbers({6, 32}), indices(10, {6})),
                 AdaptiveLogSoftmaxWithLossOptions(32, 10, {4, 8}));
  add_recurrent(c);
  add_attention(c);
}

}  // namespace remote::nn::test
