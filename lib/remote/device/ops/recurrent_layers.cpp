#include <remote/device/ops/recurrent_layers.h>

#include <ATen/ATen.h>

#include <algorithm>

#include <remote/device/ops/taped_ops.h>

namespace remote::device {
namespace {

using at::Tensor;

LayerWeights layer_weights(at::TensorList parameters, bool has_biases, bool has_projection) {
  LayerWeights weights{parameters[0], parameters[1], {}, {}, {}};
  if (has_biases) {
    weights.input_bias = parameters[2];
    weights.hidden_bias = parameters[3];
  }
  if (has_projection) weights.projection = parameters.back();
  return weights;
}

Tensor hidden_gates(const RecurrentState& state, const LayerWeights& weights) {
  return at::linear(state[0], weights.hidden, weights.hidden_bias);
}

RecurrentState lstm_step(const Tensor& input_gates, const RecurrentState& state, const LayerWeights& weights) {
  const auto gates = hidden_gates(state, weights).add_(input_gates).unsafe_chunk(4, 1);
  const Tensor in = gates[0].sigmoid_(), forget = gates[1].sigmoid_();
  const Tensor update = gates[2].tanh_(), out = gates[3].sigmoid_();
  const Tensor cell = (forget * state[1]).add_(in * update);
  const Tensor hidden = out * cell.tanh();
  return {weights.projection.defined() ? at::matmul(hidden, weights.projection.t()) : hidden, cell};
}

RecurrentState gru_step(const Tensor& input_gates, const RecurrentState& state, const LayerWeights& weights) {
  const auto from_input = input_gates.unsafe_chunk(3, 1);
  const auto from_hidden = hidden_gates(state, weights).unsafe_chunk(3, 1);
  const Tensor reset = from_hidden[0].add_(from_input[0]).sigmoid_();
  const Tensor update = from_hidden[1].add_(from_input[1]).sigmoid_();
  const Tensor candidate = from_input[2].add(from_hidden[2].mul_(reset)).tanh_();
  return {(state[0] - candidate).mul_(update).add_(candidate)};
}

template <RecurrentKind kKind>
RecurrentState step(const Tensor& input_gates, const RecurrentState& state, const LayerWeights& weights) {
  if constexpr (kKind == RecurrentKind::kLstm) return lstm_step(input_gates, state, weights);
  if constexpr (kKind == RecurrentKind::kGru) return gru_step(input_gates, state, weights);
  const Tensor sum = hidden_gates(state, weights).add_(input_gates);
  return {kKind == RecurrentKind::kRnnTanh ? at::tanh(sum) : at::relu(sum)};
}

/// Rows `first` to `last` of each tensor of a state.
RecurrentState rows(const RecurrentState& state, int64_t first, int64_t last) {
  RecurrentState part;
  for (const Tensor& tensor : state) part.push_back(tensor.narrow(0, first, last - first));
  return part;
}

/// States of different sequences, one below the other.
RecurrentState joined(at::ArrayRef<RecurrentState> states) {
  RecurrentState whole;
  for (size_t i = 0; i < states[0].size(); ++i) {
    std::vector<Tensor> parts;
    for (const auto& state : states) parts.push_back(state[i]);
    whole.push_back(at::cat(parts, 0));
  }
  return whole;
}

template <RecurrentKind kKind>
std::pair<Tensor, RecurrentState> run_padded(const Tensor& gates_TBF, RecurrentState state, const LayerWeights& weights,
                                             bool reverse) {
  auto gates = gates_TBF.unbind(0);
  if (reverse) std::reverse(gates.begin(), gates.end());
  std::vector<Tensor> outputs;
  outputs.reserve(gates.size());
  for (const Tensor& step_gates : gates) {
    state = step<kKind>(step_gates, state, weights);
    outputs.push_back(state[0]);
  }
  if (reverse) std::reverse(outputs.begin(), outputs.end());
  return {at::stack(outputs, 0), std::move(state)};
}

/// Sequences leave as they end: the last rows first.
template <RecurrentKind kKind>
std::pair<Tensor, RecurrentState> run_packed(const Tensor& gates_NF, RecurrentState state, const LayerWeights& weights,
                                             at::IntArrayRef batch_sizes) {
  std::vector<Tensor> outputs;
  std::vector<RecurrentState> ended;
  int64_t offset = 0, running = batch_sizes[0];
  for (const int64_t batch : batch_sizes) {
    const Tensor step_gates = gates_NF.narrow(0, offset, batch);
    offset += batch;
    if (batch < running) {
      ended.push_back(rows(state, batch, running));
      state = rows(state, 0, batch);
      running = batch;
    }
    state = step<kKind>(step_gates, state, weights);
    outputs.push_back(state[0]);
  }
  ended.push_back(std::move(state));
  std::reverse(ended.begin(), ended.end());
  return {at::cat(outputs, 0), joined(ended)};
}

/// From the last step to the first: sequences join as they begin, with their part of the first state.
template <RecurrentKind kKind>
std::pair<Tensor, RecurrentState> run_packed_reverse(const Tensor& gates_NF, const RecurrentState& first,
                                                     const LayerWeights& weights, at::IntArrayRef batch_sizes) {
  std::vector<Tensor> outputs;
  int64_t offset = gates_NF.size(0), running = batch_sizes.back();
  RecurrentState state = rows(first, 0, running);
  for (size_t i = batch_sizes.size(); i-- > 0;) {
    const int64_t batch = batch_sizes[i];
    if (batch > running) {
      state = joined({state, rows(first, running, batch)});
      running = batch;
    }
    offset -= batch;
    state = step<kKind>(gates_NF.narrow(0, offset, batch), state, weights);
    outputs.push_back(state[0]);
  }
  std::reverse(outputs.begin(), outputs.end());
  return {at::cat(outputs, 0), std::move(state)};
}

template <RecurrentKind kKind>
std::pair<Tensor, RecurrentState> run_steps(const Tensor& input, const RecurrentState& state,
                                            const LayerWeights& weights, bool reverse,
                                            const RecurrentOptions& options) {
  TORCH_CHECK(input.size(0) > 0, "Expected sequence length to be larger than 0 in RNN");
  const Tensor gates = at::linear(input, weights.input, weights.input_bias);
  if (options.batch_sizes.empty()) return run_padded<kKind>(gates, state, weights, reverse);
  return reverse ? run_packed_reverse<kKind>(gates, state, weights, options.batch_sizes)
                 : run_packed<kKind>(gates, state, weights, options.batch_sizes);
}

/// How many parameters each layer has in each direction.
size_t parameters_of_a_layer(at::TensorList states_LBH, const RecurrentOptions& options) {
  return (options.has_biases ? 4 : 2) + (has_projection(states_LBH) ? 1 : 0);
}

/// Throws for tensors that don't fit together, as far as the layers' kernels would not say so at once.
void check_layers(const Tensor& input, at::TensorList states_LBH, at::TensorList parameters,
                  const RecurrentOptions& options) {
  const int64_t count = options.layers * (options.bidirectional ? 2 : 1);
  const bool packed = !options.batch_sizes.empty();
  TORCH_CHECK(input.dim() == (packed ? 2 : 3), "Expected input of ", packed ? 2 : 3, " dimensions, got ",
              input.sizes());
  const int64_t batch = packed ? options.batch_sizes[0] : input.size(options.batch_first ? 0 : 1);
  for (const Tensor& state_LBH : states_LBH) {
    TORCH_CHECK(state_LBH.dim() == 3 && state_LBH.size(0) == count && state_LBH.size(1) == batch,
                "Expected hidden states of ", count, " layers and directions [", count, ", ", batch,
                ", features], got ", state_LBH.sizes());
  }
  const size_t expected = parameters_of_a_layer(states_LBH, options) * count;
  TORCH_CHECK(parameters.size() == expected, "got an incorrect number of RNN parameters: expected ", expected, ", got ",
              parameters.size());
  TORCH_CHECK(parameters[0].dim() == 2 && parameters[0].size(1) == input.size(-1),
              "input.size(-1) must be equal to input_size. Expected ", parameters[0].size(-1), ", got ",
              input.size(-1));
}

}  // namespace

bool has_projection(at::TensorList states_LBH) {
  return states_LBH.size() == 2 && states_LBH[0].size(-1) != states_LBH[1].size(-1);
}

std::pair<Tensor, RecurrentState> run_layers(RunLayer run, const Tensor& input, const RecurrentState& states_LBH,
                                             at::TensorList parameters, const RecurrentOptions& options) {
  check_layers(input, states_LBH, parameters, options);
  const int64_t directions = options.bidirectional ? 2 : 1;
  const size_t stride = parameters_of_a_layer(states_LBH, options);
  const bool is_projected = has_projection(states_LBH);
  std::vector<std::vector<Tensor>> first_states, last_states(states_LBH.size());
  for (const Tensor& state_LBH : states_LBH) first_states.push_back(state_LBH.unbind(0));

  Tensor sequence = options.batch_first ? input.transpose(0, 1) : input;
  for (int64_t layer = 0; layer < options.layers; ++layer) {
    std::vector<Tensor> outputs;
    for (int64_t direction = 0; direction < directions; ++direction) {
      const int64_t index = layer * directions + direction;
      RecurrentState first;
      for (const auto& state : first_states) first.push_back(state[index]);
      const auto weights = layer_weights(parameters.slice(index * stride, stride), options.has_biases, is_projected);
      auto [output, last] = run(sequence, first, weights, /*reverse=*/direction > 0, options);
      outputs.push_back(std::move(output));
      for (size_t i = 0; i < last.size(); ++i) last_states[i].push_back(last[i]);
    }
    sequence = directions == 1 ? outputs[0] : at::cat(outputs, -1);
    if (options.dropout != 0 && options.train && layer < options.layers - 1) {
      sequence = at::dropout(sequence, options.dropout, /*train=*/true);
    }
  }
  RecurrentState stacked;
  for (const auto& states : last_states) stacked.push_back(at::stack(states, 0));
  return {options.batch_first ? sequence.transpose(0, 1) : sequence, std::move(stacked)};
}

RecurrentState run_step(RecurrentKind kind, const Tensor& input, const RecurrentState& state,
                        const LayerWeights& weights) {
  const Tensor gates = at::linear(input, weights.input, weights.input_bias);
  switch (kind) {
    case RecurrentKind::kLstm:
      return step<RecurrentKind::kLstm>(gates, state, weights);
    case RecurrentKind::kGru:
      return step<RecurrentKind::kGru>(gates, state, weights);
    case RecurrentKind::kRnnTanh:
      return step<RecurrentKind::kRnnTanh>(gates, state, weights);
    case RecurrentKind::kRnnRelu:
      break;
  }
  return step<RecurrentKind::kRnnRelu>(gates, state, weights);
}

RunLayer layers_of_steps(RecurrentKind kind) {
  switch (kind) {
    case RecurrentKind::kLstm: return run_steps<RecurrentKind::kLstm>;
    case RecurrentKind::kGru: return run_steps<RecurrentKind::kGru>;
    case RecurrentKind::kRnnTanh: return run_steps<RecurrentKind::kRnnTanh>;
    case RecurrentKind::kRnnRelu:
      break;
  }
  return run_steps<RecurrentKind::kRnnRelu>;
}

std::optional<std::vector<Tensor>> run_whole(RecurrentKind kind, const Tensor& input, at::TensorList states_LBH,
                                             at::TensorList parameters, const RecurrentOptions& options) {
  check_layers(input, states_LBH, parameters, options);
  constexpr const char* kOps[] = {"aten::lstm", "aten::gru", "aten::rnn_tanh", "aten::rnn_relu"};
  const bool packed = !options.batch_sizes.empty();
  std::vector<c10::IValue> arguments{input};
  if (packed) arguments.emplace_back(options.batch_sizes);
  if (kind == RecurrentKind::kLstm) {
    arguments.emplace_back(states_LBH.vec());
  } else {
    arguments.emplace_back(states_LBH[0]);
  }
  arguments.insert(arguments.end(), {parameters.vec(), options.has_biases, options.layers, options.dropout,
                                     options.train, options.bidirectional});
  if (!packed) arguments.emplace_back(options.batch_first);
  return record_taped({kOps[static_cast<size_t>(kind)], packed ? "data" : "input"}, std::move(arguments));
}

std::optional<std::vector<Tensor>> run_whole_by_layer(RecurrentKind kind, const Tensor& input,
                                                      at::TensorList states_LBH, at::TensorList parameters,
                                                      const RecurrentOptions& options) {
  check_layers(input, states_LBH, parameters, options);
  RecurrentOptions one = options;
  one.layers = 1;
  one.dropout = 0;
  const int64_t directions = options.bidirectional ? 2 : 1;
  const size_t count = parameters.size() / static_cast<size_t>(options.layers);
  Tensor sequence = input;
  std::vector<std::vector<Tensor>> last(states_LBH.size());
  for (int64_t layer = 0; layer < options.layers; ++layer) {
    if (layer > 0) sequence = at::dropout(sequence, options.dropout, options.train);
    std::vector<Tensor> states;
    for (const Tensor& state : states_LBH) states.push_back(state.narrow(0, layer * directions, directions));
    auto results = run_whole(kind, sequence, states, parameters.slice(static_cast<size_t>(layer) * count, count), one);
    if (!results) return std::nullopt;
    // Masks are drawn in the order [T, B, H].
    sequence = one.batch_first ? results->front().transpose(0, 1) : results->front();
    one.batch_first = false;
    for (size_t i = 0; i < last.size(); ++i) last[i].push_back(std::move((*results)[i + 1]));
  }
  std::vector<Tensor> results{options.batch_first ? sequence.transpose(0, 1) : sequence};
  for (const auto& states : last) results.push_back(at::cat(states));
  return results;
}

}  // namespace remote::device
