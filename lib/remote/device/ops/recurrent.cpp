// Recurrent layers. LibTorch sends a PrivateUse1 device to cells that only CUDA has, so these are given here; for a CPU
// worker the layers are those that LibTorch's own CPU code would run, with the same bits; a CUDA worker runs them
// whole, with cuDNN.
#include <ATen/ATen.h>
#include <ATen/NativeFunctions.h>
#include <ATen/TensorSubclassLikeUtils.h>
#include <ATen/autocast_mode.h>
#include <ATen/native/RNN.h>
#include <torch/library.h>

#include <algorithm>
#include <numeric>

#include <remote/device/describe.h>
#include <remote/device/ops/recurrent_layers.h>
#include <remote/device/runtime.h>

namespace remote::device {
namespace {

using at::ScalarType;
using at::Tensor;
using OptionalTensor = std::optional<Tensor>;

constexpr int64_t kLstmMode = 2;  // as LibTorch numbers recurrent kinds for mkldnn_rnn_layer

Tensor plus(const Tensor& gates, const OptionalTensor& bias) { return bias && bias->defined() ? gates + *bias : gates; }

/// The reserve that only a fused backward pass reads.
Tensor no_workspace(const Tensor& like) { return at::empty({0}, like.options().requires_grad(false)); }

std::tuple<Tensor, Tensor, Tensor> fused_lstm_cell(const Tensor& input_gates, const Tensor& hidden_gates,
                                                   const Tensor& cell, const OptionalTensor& input_bias,
                                                   const OptionalTensor& hidden_bias) {
  const auto gates = plus(plus(input_gates + hidden_gates, input_bias), hidden_bias).unsafe_chunk(4, 1);
  const Tensor in = gates[0].sigmoid(), forget = gates[1].sigmoid(), update = gates[2].tanh(), out = gates[3].sigmoid();
  const Tensor next_cell = forget * cell + in * update;
  return {out * next_cell.tanh(), next_cell, no_workspace(input_gates)};
}

std::tuple<Tensor, Tensor> fused_gru_cell(const Tensor& input_gates, const Tensor& hidden_gates, const Tensor& hidden,
                                          const OptionalTensor& input_bias, const OptionalTensor& hidden_bias) {
  const auto from_input = plus(input_gates, input_bias).unsafe_chunk(3, 1);
  const auto from_hidden = plus(hidden_gates, hidden_bias).unsafe_chunk(3, 1);
  const Tensor reset = (from_hidden[0] + from_input[0]).sigmoid();
  const Tensor update = (from_hidden[1] + from_input[1]).sigmoid();
  const Tensor candidate = (from_input[2] + from_hidden[2] * reset).tanh();
  return {(hidden - candidate) * update + candidate, no_workspace(input_gates)};
}

/// Whether LibTorch's CPU code would run this as LSTM layers of mkldnn.
bool cpu_takes_mkldnn(RecurrentKind kind, const Tensor& input, at::TensorList hidden, at::TensorList parameters,
                      const RecurrentOptions& options) {
  if (kind != RecurrentKind::kLstm || !options.batch_sizes.empty()) return false;
  if (!at::globalContext().userEnabledMkldnn() || input.scalar_type() != at::kFloat || input.numel() == 0) return false;
  if (has_projection(hidden)) return false;  // mkldnn has none
  for (const auto& tensor : parameters) {
    if (!is_remote(tensor) || tensor.scalar_type() != at::kFloat) return false;
  }
  return true;
}

/// Whether someone wants to see the ops that a layer is made of: a mode of Python's, a function transform, or
/// forward-mode differentiation.
bool is_watched(const Tensor& input, at::TensorList hidden, at::TensorList parameters) {
  const auto watched = [](const Tensor& tensor) {
    return at::isTensorSubclassLike(tensor) || tensor._fw_grad(/*level=*/0).defined();
  };
  return watched(input) || std::ranges::any_of(hidden, watched) || std::ranges::any_of(parameters, watched);
}

/// Whether this LSTM is left to LibTorch's CPU code as a whole: for mkldnn it has other kernels without gradients, and
/// takes lower precisions where the processor has them. With a projection it is the steps that have LibTorch's bits.
bool cpu_decides(RecurrentKind kind, const Tensor& input, at::TensorList hidden, at::TensorList parameters,
                 const RecurrentOptions& options) {
  if (kind != RecurrentKind::kLstm || !options.batch_sizes.empty() || !at::globalContext().userEnabledMkldnn()) {
    return false;
  }
  if (has_projection(hidden)) return false;
  const ScalarType dtype = input.scalar_type();
  const bool is_taken =
      dtype == at::kBFloat16 || (!at::GradMode::is_enabled() && (dtype == at::kFloat || dtype == at::kHalf));
  return is_taken && !is_watched(input, hidden, parameters);
}

std::pair<Tensor, RecurrentState> lstm_mkldnn_layer(const Tensor& input_TBF, const RecurrentState& state,
                                                    const LayerWeights& weights, bool reverse,
                                                    const RecurrentOptions& options) {
  const auto bias = [](const Tensor& given, const Tensor& weight) {
    return given.defined() ? given : at::zeros(weight.sizes(), weight.options());
  };
  const Tensor hidden = state[0].contiguous(), cell = state[1].contiguous();
  auto [output, last_hidden, last_cell, workspace] = at::mkldnn_rnn_layer(
      input_TBF.contiguous(), weights.input, weights.hidden, bias(weights.input_bias, weights.input),
      bias(weights.hidden_bias, weights.hidden), hidden, cell, reverse, /*batch_sizes=*/{}, kLstmMode, hidden.size(1),
      options.layers, options.has_biases, options.bidirectional, options.batch_first, options.train);
  return {output, {last_hidden, last_cell}};
}

std::pair<Tensor, RecurrentState> run_as_cpu(RecurrentKind kind, const Tensor& input, at::TensorList hidden,
                                             at::TensorList parameters, const RecurrentOptions& options) {
  const bool mkldnn = cpu_takes_mkldnn(kind, input, hidden, parameters, options);
  // mkldnn wants the sequence contiguous with its steps first: one copy for both directions.
  Tensor sequence = input;
  if (mkldnn) sequence = options.batch_first ? input.transpose(0, 1).contiguous().transpose(0, 1) : input.contiguous();
  return run_layers(mkldnn ? lstm_mkldnn_layer : layers_of_steps(kind), sequence,
                    RecurrentState(hidden.begin(), hidden.end()), parameters, options);
}

/// Whether LibTorch's CUDA code would call cuDNN.
bool cuda_takes_cudnn(const Tensor& input, at::TensorList hidden, at::TensorList parameters) {
  const ScalarType dtype = input.scalar_type();
  if (!at::globalContext().userEnabledCuDNN() || input.numel() == 0) return false;
  if (dtype != at::kFloat && dtype != at::kDouble && dtype != at::kHalf && dtype != at::kBFloat16) return false;
  const auto fits = [&](const Tensor& tensor) {
    return is_remote(tensor) && tensor.device() == input.device() && tensor.scalar_type() == dtype;
  };
  return std::all_of(hidden.begin(), hidden.end(), fits) && std::all_of(parameters.begin(), parameters.end(), fits);
}

/// As LibTorch's autocast does it for cuDNN, and for the LSTM of mkldnn.
void cast_for_autocast(Tensor& input, std::vector<Tensor>& hidden, std::vector<Tensor>& parameters) {
  constexpr auto kRemote = c10::DeviceType::PrivateUse1;
  if (!at::autocast::is_autocast_enabled(kRemote)) return;
  const ScalarType lower = at::autocast::get_autocast_dtype(kRemote);
  input = at::autocast::cached_cast(lower, input, kRemote);
  hidden = at::autocast::cached_cast(lower, at::TensorList(hidden), kRemote);
  parameters = at::autocast::cached_cast(lower, at::TensorList(parameters), kRemote);
}

std::optional<std::vector<Tensor>> run_on_cudnn(RecurrentKind kind, const Tensor& input, at::TensorList hidden,
                                                at::TensorList parameters, const RecurrentOptions& options) {
  if (!cuda_takes_cudnn(input, hidden, parameters)) return std::nullopt;
  at::native::check_attributes(input, parameters, hidden);
  return run_whole(kind, input, hidden, parameters, options);
}

/// Outputs and last states as the worker's own device would compute them; nullopt where LibTorch's cells are to do it.
std::optional<std::vector<Tensor>> run(RecurrentKind kind, Tensor input, std::vector<Tensor> hidden,
                                       std::vector<Tensor> parameters, RecurrentOptions options) {
  const bool on_cuda = worker_is(at::kCUDA, input);
  if (!on_cuda && !worker_is(at::kCPU, input)) return std::nullopt;
  if (on_cuda || cpu_takes_mkldnn(kind, input, hidden, parameters, options))
    cast_for_autocast(input, hidden, parameters);
  if (on_cuda) return run_on_cudnn(kind, input, hidden, parameters, options);
  at::native::check_attributes(input, parameters, hidden);
  if (cpu_decides(kind, input, hidden, parameters, options)) {
    // Between layers, of which there may be one.
    if (!options.train || options.layers == 1) options.dropout = 0;
    return (options.dropout == 0 ? run_whole : run_whole_by_layer)(kind, input, hidden, parameters, options);
  }
  auto [output, last] = run_as_cpu(kind, input, hidden, parameters, options);
  std::vector<Tensor> results{std::move(output)};
  results.insert(results.end(), last.begin(), last.end());
  return results;
}

std::tuple<Tensor, Tensor, Tensor> lstm(const Tensor& input, at::TensorList hidden, at::TensorList parameters,
                                        bool has_biases, int64_t layers, double dropout, bool train, bool bidirectional,
                                        bool batch_first) {
  TORCH_CHECK(hidden.size() == 2, "lstm expects two hidden states");
  if (const auto results = run(RecurrentKind::kLstm, input, hidden.vec(), parameters.vec(),
                               {has_biases, layers, dropout, train, bidirectional, batch_first})) {
    return {(*results)[0], (*results)[1], (*results)[2]};
  }
  return at::native::lstm(input, hidden, parameters, has_biases, layers, dropout, train, bidirectional, batch_first);
}

using OneState = std::tuple<Tensor, Tensor>;
using NativeRecurrent = OneState (*)(const Tensor&, const Tensor&, at::TensorList, bool, int64_t, double, bool, bool,
                                     bool);

/// A network with a hidden state and no cell state.
template <RecurrentKind kKind, NativeRecurrent kNative>
OneState recurrent(const Tensor& input, const Tensor& hidden, at::TensorList parameters, bool has_biases,
                   int64_t layers, double dropout, bool train, bool bidirectional, bool batch_first) {
  if (const auto results = run(kKind, input, {hidden}, parameters.vec(),
                               {has_biases, layers, dropout, train, bidirectional, batch_first})) {
    return {(*results)[0], (*results)[1]};
  }
  return kNative(input, hidden, parameters, has_biases, layers, dropout, train, bidirectional, batch_first);
}

/// The batch sizes of packed sequences, checked: LibTorch's CPU code would read out of bounds.
std::vector<int64_t> batch_sizes_of(const Tensor& data, const Tensor& batch_sizes, const Tensor& state_LBH) {
  TORCH_CHECK(batch_sizes.device().is_cpu() && batch_sizes.dim() == 1 && batch_sizes.scalar_type() == at::kLong &&
                  batch_sizes.numel() > 0,
              "batch_sizes of packed sequences should be a 1-D CPU int64 tensor that isn't empty, got one of ",
              batch_sizes.scalar_type(), " ", batch_sizes.sizes(), " on ", batch_sizes.device());
  const Tensor sizes = batch_sizes.contiguous();
  const std::vector<int64_t> result(sizes.const_data_ptr<int64_t>(), sizes.const_data_ptr<int64_t>() + sizes.numel());
  TORCH_CHECK(std::is_sorted(result.rbegin(), result.rend()) && result.back() > 0,
              "batch_sizes of packed sequences should be positive and never rise, got ", sizes);
  const int64_t steps = std::accumulate(result.begin(), result.end(), int64_t{0});
  TORCH_CHECK(data.dim() == 2 && data.size(0) == steps, "packed sequences of ", steps,
              " steps in all should be a tensor [", steps, ", features], got ", data.sizes());
  TORCH_CHECK(state_LBH.dim() == 3 && state_LBH.size(1) == result.front(), "Expected hidden states of ", result.front(),
              " sequences, got ", state_LBH.sizes());
  return result;
}

/// Sequences of one length lie in memory as padded ones do, and LibTorch's CPU code runs such an LSTM as padded where
/// it takes mkldnn.
std::optional<std::vector<Tensor>> run_as_padded(const Tensor& data, at::TensorList hidden, at::TensorList parameters,
                                                 RecurrentOptions options) {
  const std::vector<int64_t> sizes = std::exchange(options.batch_sizes, {});
  if (sizes.front() != sizes.back() || !worker_is(at::kCPU, data)) return std::nullopt;
  if (!cpu_takes_mkldnn(RecurrentKind::kLstm, data, hidden, parameters, options) &&
      !cpu_decides(RecurrentKind::kLstm, data, hidden, parameters, options)) {
    return std::nullopt;
  }
  const auto steps = static_cast<int64_t>(sizes.size());
  auto results = run(RecurrentKind::kLstm, data.view({steps, sizes.front(), data.size(1)}), hidden.vec(),
                     parameters.vec(), options);
  if (results) results->front() = results->front().flatten(0, 1);
  return results;
}

/// run() over packed sequences.
std::optional<std::vector<Tensor>> run_packed(RecurrentKind kind, const Tensor& data, const Tensor& batch_sizes,
                                              at::TensorList hidden, at::TensorList parameters,
                                              RecurrentOptions options) {
  if (!worker_is(at::kCPU, data) && !worker_is(at::kCUDA, data)) return std::nullopt;
  options.batch_sizes = batch_sizes_of(data, batch_sizes, hidden[0]);
  if (kind == RecurrentKind::kLstm) {
    if (auto results = run_as_padded(data, hidden, parameters, options)) return results;
  }
  return run(kind, data, hidden.vec(), parameters.vec(), options);
}

std::tuple<Tensor, Tensor, Tensor> packed_lstm(const Tensor& data, const Tensor& batch_sizes, at::TensorList hidden,
                                               at::TensorList parameters, bool has_biases, int64_t layers,
                                               double dropout, bool train, bool bidirectional) {
  TORCH_CHECK(hidden.size() == 2, "lstm expects two hidden states");
  if (const auto results = run_packed(RecurrentKind::kLstm, data, batch_sizes, hidden, parameters,
                                      {has_biases, layers, dropout, train, bidirectional, /*batch_first=*/false})) {
    return {(*results)[0], (*results)[1], (*results)[2]};
  }
  return at::native::lstm(data, batch_sizes, hidden, parameters, has_biases, layers, dropout, train, bidirectional);
}

using NativePacked = OneState (*)(const Tensor&, const Tensor&, const Tensor&, at::TensorList, bool, int64_t, double,
                                  bool, bool);

template <RecurrentKind kKind, NativePacked kNative>
OneState packed_recurrent(const Tensor& data, const Tensor& batch_sizes, const Tensor& hidden,
                          at::TensorList parameters, bool has_biases, int64_t layers, double dropout, bool train,
                          bool bidirectional) {
  if (const auto results = run_packed(kKind, data, batch_sizes, {hidden}, parameters,
                                      {has_biases, layers, dropout, train, bidirectional, /*batch_first=*/false})) {
    return {(*results)[0], (*results)[1]};
  }
  return kNative(data, batch_sizes, hidden, parameters, has_biases, layers, dropout, train, bidirectional);
}

LayerWeights cell_weights(const Tensor& input_weight, const Tensor& hidden_weight, const OptionalTensor& input_bias,
                          const OptionalTensor& hidden_bias) {
  return {input_weight, hidden_weight, input_bias.value_or(Tensor()), hidden_bias.value_or(Tensor()), {}};
}

void check_cell(const Tensor& input, const RecurrentState& state, const LayerWeights& weights) {
  TORCH_CHECK(input.dim() == 2 && input.size(1) == weights.input.size(1),
              "input of a recurrent cell: expected [batch, ", weights.input.size(1), "], got ", input.sizes(),
              "; a cell takes one step of each sequence");
  for (const Tensor& tensor : state) {
    TORCH_CHECK(tensor.dim() == 2 && tensor.size(0) == input.size(0) && tensor.size(1) == weights.hidden.size(1),
                "hidden state of a recurrent cell: expected [", input.size(0), ", ", weights.hidden.size(1), "], got ",
                tensor.sizes(), "; start from zeros of that shape, or from the state that the cell returned");
  }
}

std::tuple<Tensor, Tensor> lstm_cell(const Tensor& input, at::TensorList state, const Tensor& input_weight,
                                     const Tensor& hidden_weight, const OptionalTensor& input_bias,
                                     const OptionalTensor& hidden_bias) {
  TORCH_CHECK(state.size() == 2, "lstm_cell expects two hidden states");
  if (!worker_is(at::kCPU, input)) {
    return at::native::lstm_cell(input, state, input_weight, hidden_weight, input_bias, hidden_bias);
  }
  const LayerWeights weights = cell_weights(input_weight, hidden_weight, input_bias, hidden_bias);
  check_cell(input, {state[0], state[1]}, weights);
  auto next = run_step(RecurrentKind::kLstm, input, {state[0], state[1]}, weights);
  return {next[0], next[1]};
}

Tensor gru_cell(const Tensor& input, const Tensor& state, const Tensor& input_weight, const Tensor& hidden_weight,
                const OptionalTensor& input_bias, const OptionalTensor& hidden_bias) {
  if (!worker_is(at::kCPU, input)) {
    return at::native::gru_cell(input, state, input_weight, hidden_weight, input_bias, hidden_bias);
  }
  const LayerWeights weights = cell_weights(input_weight, hidden_weight, input_bias, hidden_bias);
  check_cell(input, {state}, weights);
  return run_step(RecurrentKind::kGru, input, {state}, weights)[0];
}

// On both keys: autograd sees the ops inside, and inference mode leaves its key out.
void register_recurrent(torch::Library& m) {
  m.impl("_thnn_fused_lstm_cell", &fused_lstm_cell);
  m.impl("_thnn_fused_gru_cell", &fused_gru_cell);
  m.impl("lstm_cell", &lstm_cell);
  m.impl("gru_cell", &gru_cell);
  m.impl("lstm.input", &lstm);
  m.impl("gru.input", &recurrent<RecurrentKind::kGru, at::native::gru>);
  m.impl("rnn_tanh.input", &recurrent<RecurrentKind::kRnnTanh, at::native::rnn_tanh>);
  m.impl("rnn_relu.input", &recurrent<RecurrentKind::kRnnRelu, at::native::rnn_relu>);
  m.impl("lstm.data", &packed_lstm);
  m.impl("gru.data", &packed_recurrent<RecurrentKind::kGru, at::native::gru>);
  m.impl("rnn_tanh.data", &packed_recurrent<RecurrentKind::kRnnTanh, at::native::rnn_tanh>);
  m.impl("rnn_relu.data", &packed_recurrent<RecurrentKind::kRnnRelu, at::native::rnn_relu>);
}

TORCH_LIBRARY_IMPL(aten, AutogradPrivateUse1, m) { register_recurrent(m); }
TORCH_LIBRARY_IMPL(aten, PrivateUse1, m) { register_recurrent(m); }

}  // namespace
}  // namespace remote::device
