#pragma once
#include <ATen/core/Tensor.h>
#include <c10/util/SmallVector.h>

#include <optional>
#include <utility>
#include <vector>

// T steps, B batch, N steps of all packed sequences, F features of the input, H of the hidden state, L layers times
// directions.
namespace remote::device {

/// What LibTorch's recurrent ops take beside tensors.
struct RecurrentOptions {
  bool has_biases;
  int64_t layers;
  double dropout;
  bool train, bidirectional, batch_first;
  /// Of packed sequences, the longest first: how many of them have a t-th step. Empty where all have the same length.
  std::vector<int64_t> batch_sizes = {};
};

/// The parameters of one layer in one direction; undefined where it has none.
struct LayerWeights {
  at::Tensor input, hidden, input_bias, hidden_bias, projection;
};

/// The hidden state and, for an LSTM, the cell state.
using RecurrentState = c10::SmallVector<at::Tensor, 2>;

/// Whether an LSTM projects its hidden state, which then has another size than its cell state.
bool has_projection(at::TensorList states_LBH);

/// One layer in one direction over a sequence [T, B, F], or the steps of packed sequences one after the other [N, F]:
/// its outputs [T, B, H] or [N, H], and the last state of each sequence [B, H].
using RunLayer = std::pair<at::Tensor, RecurrentState> (*)(const at::Tensor& input, const RecurrentState& state,
                                                           const LayerWeights& weights, bool reverse,
                                                           const RecurrentOptions& options);

/// The layers of a recurrent network one after the other, with dropout in between: the outputs of the last one and the
/// last states [L, B, H]. `parameters` in LibTorch's order.
std::pair<at::Tensor, RecurrentState> run_layers(RunLayer run, const at::Tensor& input,
                                                 const RecurrentState& states_LBH, at::TensorList parameters,
                                                 const RecurrentOptions& options);

enum class RecurrentKind { kLstm, kGru, kRnnTanh, kRnnRelu };

/// The states after one step of a cell with the input [B, F], op for op as LibTorch's CPU code computes them.
RecurrentState run_step(RecurrentKind kind, const at::Tensor& input, const RecurrentState& state,
                        const LayerWeights& weights);

/// Layers that go step by step, op for op as LibTorch's CPU code does, so that values and gradients have its bits: the
/// inputs of all steps are multiplied at once, and the gates are changed in place.
RunLayer layers_of_steps(RecurrentKind kind);

/// The whole network as one op of the worker (record_taped()): its outputs, then the last states. Nullopt for shapes
/// that the op itself would refuse. For a worker whose device has a fused kernel.
std::optional<std::vector<at::Tensor>> run_whole(RecurrentKind kind, const at::Tensor& input, at::TensorList states_LBH,
                                                 at::TensorList parameters, const RecurrentOptions& options);

/// The same as one op for each layer, with dropout in between: on a CPU worker the op itself takes no generator.
std::optional<std::vector<at::Tensor>> run_whole_by_layer(RecurrentKind kind, const at::Tensor& input,
                                                          at::TensorList states_LBH, at::TensorList parameters,
                                                          const RecurrentOptions& options);

}  // namespace remote::device
