#include <ATen/SavedTensorHooks.h>

#include <remote/device/shapes/common.h>
#include <remote/device/shapes/tables.h>

// T steps, B batch, H features of the hidden state.
namespace remote::device::shapes {
namespace {

/// mkldnn_rnn_layer(input, weight0..3, hx, cx, reverse, batch_sizes, mode, hidden_size, ...) -> (output, hy, cy,
/// workspace)
bool mkldnn_rnn_layer(const ShapeQuery& query, OutputSpecs& out) {
  const Tensor& input = tensor_at(query, 0);
  const Tensor& hx = tensor_at(query, 5);
  const Tensor& cx = tensor_at(query, 6);
  if (input.dim() != 3) return false;
  // Someone may copy what is saved for backward, such as save_on_cpu() in Python, and wants the workspace's size.
  if (at::SavedTensorDefaultHooks::get_hooks()) return false;
  const ScalarType dtype = input.scalar_type();
  return returns(out, {contiguous({input.size(0), input.size(1), int_at(query, 10)}, dtype),
                       contiguous(hx.sizes(), dtype), contiguous(cx.sizes(), dtype), opaque(ScalarType::Byte)});
}

/// mkldnn_rnn_layer_backward(input, weight1..4, hx, cx, ...) -> gradients of input, both weights, both biases (also
/// where the layer has none), hx and cx
bool mkldnn_rnn_layer_backward(const ShapeQuery& query, OutputSpecs& out) {
  const Tensor &input = tensor_at(query, 0), &weight = tensor_at(query, 1);
  if (input.dim() != 3) return false;
  const auto like = [&](size_t place) {
    const Tensor& tensor = tensor_at(query, place);
    return contiguous(tensor.sizes(), tensor.scalar_type());
  };
  // grad_output, grad_hy, grad_cy
  if (!tensor_at(query, 10).defined() && !tensor_at(query, 11).defined() && !tensor_at(query, 12).defined()) {
    out.assign(7, undefined());
    return true;
  }
  const OutputSpec bias = contiguous({weight.size(0)}, weight.scalar_type());
  return returns(out, {like(0), like(1), like(2), bias, bias, like(5), like(6)});
}

/// Output, final hidden state and, for an LSTM, final cell state of a whole recurrent op. `first` is the place of the
/// hidden state; has_biases, num_layers, dropout, train, bidirectional and, for padded input, batch_first follow the
/// parameters.
bool recurrent(const ShapeQuery& query, OutputSpecs& out, size_t first, bool padded) {
  const Tensor& input = tensor_at(query, 0);
  if (input.dim() != (padded ? 3 : 2)) return false;
  const bool has_cell = query.arguments[first].isList();
  const auto states = has_cell ? tensors_at(query, first) : c10::SmallVector<Tensor, 8>{tensor_at(query, first)};
  if (states.size() != (has_cell ? 2 : 1)) return false;
  const int64_t directions = bool_at(query, first + 6) ? 2 : 1;
  const bool batch_first = padded && bool_at(query, first + 7);
  const ScalarType dtype = input.scalar_type();
  const int64_t features = directions * states[0].size(2);

  if (padded) {
    const int64_t steps = input.size(batch_first ? 1 : 0), batch = input.size(batch_first ? 0 : 1);
    OutputSpec output_TBH = contiguous({steps, batch, features}, dtype);
    if (batch_first) {
      std::swap(output_TBH.sizes[0], output_TBH.sizes[1]);
      std::swap(output_TBH.strides[0], output_TBH.strides[1]);
    }
    out.push_back(output_TBH);
  } else {
    out.push_back(contiguous({input.size(0), features}, dtype));
  }
  for (const Tensor& state : states) out.push_back(contiguous(state.sizes(), dtype));
  return true;
}

/// lstm.input(input, hx, params, has_biases, num_layers, dropout, train, bidirectional, batch_first), gru and rnn alike
bool recurrent_input(const ShapeQuery& query, OutputSpecs& out) {
  return recurrent(query, out, 1, true);
}

/// lstm.data(data, batch_sizes, hx, params, has_biases, num_layers, dropout, train, bidirectional), gru and rnn alike
bool recurrent_data(const ShapeQuery& query, OutputSpecs& out) {
  return recurrent(query, out, 2, false);
}

constexpr NamedRule kRecurrentRules[] = {
    {"mkldnn_rnn_layer", mkldnn_rnn_layer}, {"mkldnn_rnn_layer_backward", mkldnn_rnn_layer_backward},
    {"lstm.input", recurrent_input},        {"lstm.data", recurrent_data},
    {"gru.input", recurrent_input},         {"gru.data", recurrent_data},
    {"rnn_tanh.input", recurrent_input},    {"rnn_tanh.data", recurrent_data},
    {"rnn_relu.input", recurrent_input},    {"rnn_relu.data", recurrent_data},
};

}  // namespace

RuleTable recurrent_rules() {
  return kRecurrentRules;
}

}  // namespace remote::device::shapes
