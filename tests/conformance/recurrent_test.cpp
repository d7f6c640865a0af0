// Recurrent networks: outputs, last states and the gradients of everything.
#include <numeric>

#include <remote/device/ops/taped_ops.h>

#include "same.h"

namespace remote::test {
namespace {

using torch::Tensor;
using Tensors = std::vector<Tensor>;

constexpr int64_t kSteps = 5, kBatch = 3, kFeatures = 4, kHidden = 6, kLayers = 2;

/// Three sequences, one of which ends after the third step, another after the fourth.
const std::vector<int64_t> kBatchSizes{3, 3, 3, 2, 1};

struct Shape {
  bool has_biases = true, bidirectional = false, batch_first = false;
  int64_t projected = 0;  ///< the size that an LSTM's hidden state is projected to; 0 for none
  bool packed = false;
  double dropout = 0;
};

/// One of LibTorch's recurrent ops, on sequences of one length and on packed ones.
struct Recurrence {
  int64_t gates;
  size_t states;
  std::function<Tensors(const Tensor& input, const Tensors& states, const Tensors& parameters, const Shape& shape)> run;
};

Tensor batch_sizes() {
  return torch::tensor(kBatchSizes);
}

using OneStateOp = std::tuple<Tensor, Tensor> (*)(const Tensor&, const Tensor&, at::TensorList, bool, int64_t, double,
                                                  bool, bool, bool);
using PackedOneStateOp = std::tuple<Tensor, Tensor> (*)(const Tensor&, const Tensor&, const Tensor&, at::TensorList,
                                                        bool, int64_t, double, bool, bool);

Recurrence with_hidden_state(int64_t gates, OneStateOp padded, PackedOneStateOp packed) {
  return {gates, 1, [=](const Tensor& input, const Tensors& states, const Tensors& parameters, const Shape& shape) {
            auto [output, last] = shape.packed ? packed(input, batch_sizes(), states[0], parameters, shape.has_biases,
                                                        kLayers, 0.0, true, shape.bidirectional)
                                               : padded(input, states[0], parameters, shape.has_biases, kLayers, 0.0,
                                                        true, shape.bidirectional, shape.batch_first);
            return Tensors{output, last};
          }};
}

Tensors run_lstm(const Tensor& input, const Tensors& states, const Tensors& parameters, const Shape& shape) {
  if (shape.dropout > 0) torch::manual_seed(7);
  auto [output, hidden, cell] = shape.packed ? at::lstm(input, batch_sizes(), states, parameters, shape.has_biases,
                                                        kLayers, shape.dropout, true, shape.bidirectional)
                                             : at::lstm(input, states, parameters, shape.has_biases, kLayers,
                                                        shape.dropout, true, shape.bidirectional, shape.batch_first);
  return {output, hidden, cell};
}

std::map<std::string, Recurrence> recurrences() {
  return {{"lstm", {4, 2, run_lstm}},
          {"gru", with_hidden_state(3, at::gru, at::gru)},
          {"rnn_tanh", with_hidden_state(1, at::rnn_tanh, at::rnn_tanh)},
          {"rnn_relu", with_hidden_state(1, at::rnn_relu, at::rnn_relu)}};
}

/// One of them, on a worker as an op that keeps its tape there: what a CUDA worker runs.
Recurrence taped(const std::string& op) {
  Recurrence recurrence = recurrences().at(op);
  recurrence.run = [op, plain = recurrence.run](const Tensor& input, const Tensors& states, const Tensors& parameters,
                                                const Shape& shape) {
    if (input.is_cpu()) return plain(input, states, parameters, shape);
    std::vector<c10::IValue> arguments{input};
    if (shape.packed) arguments.emplace_back(kBatchSizes);
    arguments.push_back(op == "lstm" ? c10::IValue(states) : c10::IValue(states[0]));
    arguments.insert(arguments.end(), {parameters, shape.has_biases, kLayers, 0.0, true, shape.bidirectional});
    if (!shape.packed) arguments.emplace_back(shape.batch_first);
    return device::record_taped({"aten::" + op, shape.packed ? "data" : "input"}, arguments).value();
  };
  return recurrence;
}

/// Input, states and parameters in LibTorch's order, all of which need a gradient.
Tensors inputs_of(const Recurrence& recurrence, const Shape& shape, torch::ScalarType dtype) {
  const auto numbers = [&](at::IntArrayRef sizes) { return torch::randn(sizes, dtype).mul_(0.5).requires_grad_(); };
  const int64_t directions = shape.bidirectional ? 2 : 1, out = shape.projected > 0 ? shape.projected : kHidden;
  const int64_t packed_steps = std::accumulate(kBatchSizes.begin(), kBatchSizes.end(), int64_t{0});
  Tensors inputs{shape.packed        ? numbers({packed_steps, kFeatures})
                 : shape.batch_first ? numbers({kBatch, kSteps, kFeatures})
                                     : numbers({kSteps, kBatch, kFeatures})};
  for (size_t i = 0; i < recurrence.states; ++i) {
    inputs.push_back(numbers({kLayers * directions, kBatch, i == 0 ? out : kHidden}));
  }
  for (int64_t layer = 0; layer < kLayers; ++layer) {
    for (int64_t direction = 0; direction < directions; ++direction) {
      inputs.push_back(numbers({recurrence.gates * kHidden, layer == 0 ? kFeatures : directions * out}));
      inputs.push_back(numbers({recurrence.gates * kHidden, out}));
      for (int i = 0; shape.has_biases && i < 2; ++i) inputs.push_back(numbers({recurrence.gates * kHidden}));
      if (shape.projected > 0) inputs.push_back(numbers({shape.projected, kHidden}));
    }
  }
  return inputs;
}

testing::AssertionResult network_computes_the_same(const Recurrence& recurrence, const Shape& shape,
                                                   torch::ScalarType dtype) {
  return computes_the_same(inputs_of(recurrence, shape, dtype), [&](const Tensors& inputs) {
    const auto states = inputs.begin() + 1, parameters = states + recurrence.states;
    Tensors results = recurrence.run(inputs[0], {states, parameters}, {parameters, inputs.end()}, shape);
    Tensor total;
    for (const Tensor& result : results) total = total.defined() ? total + result.pow(2).sum() : result.pow(2).sum();
    total.backward();
    for (const Tensor& input : inputs) results.push_back(input.grad());
    return results;
  });
}

class Recurrent : public Conformance, public testing::WithParamInterface<const char*> {};

TEST_P(Recurrent, NetworksComputeTheSame) {
  const Recurrence recurrence = recurrences().at(GetParam());
  for (const auto dtype : {torch::kFloat, torch::kDouble}) {
    for (const bool has_biases : {false, true}) {
      for (const bool bidirectional : {false, true}) {
        for (const bool batch_first : {false, true}) {
          SCOPED_TRACE(testing::Message() << dtype << (has_biases ? ", biases" : "")
                                          << (bidirectional ? ", bidirectional" : "")
                                          << (batch_first ? ", batch first" : ""));
          EXPECT_TRUE(network_computes_the_same(recurrence, {has_biases, bidirectional, batch_first}, dtype));
        }
      }
    }
  }
}

TEST_P(Recurrent, NetworksComputeTheSameOnPackedSequences) {
  for (const auto dtype : {torch::kFloat, torch::kDouble}) {
    for (const bool has_biases : {false, true}) {
      for (const bool bidirectional : {false, true}) {
        SCOPED_TRACE(testing::Message() << dtype << (has_biases ? ", biases" : "")
                                        << (bidirectional ? ", bidirectional" : ""));
        const Shape shape{has_biases, bidirectional, /*batch_first=*/false, /*projected=*/0, /*packed=*/true};
        EXPECT_TRUE(network_computes_the_same(recurrences().at(GetParam()), shape, dtype));
      }
    }
  }
}

TEST_P(Recurrent, NetworksThatKeepTheirTapeOnTheWorkerComputeTheSame) {
  const Recurrence recurrence = taped(GetParam());
  for (const bool packed : {false, true}) {
    for (const bool bidirectional : {false, true}) {
      for (const bool has_biases : {false, true}) {
        SCOPED_TRACE(testing::Message() << (packed ? "packed" : "padded") << (has_biases ? ", biases" : "")
                                        << (bidirectional ? ", bidirectional" : ""));
        const bool batch_first = !packed && bidirectional;
        const Shape shape{has_biases, bidirectional, batch_first, /*projected=*/0, packed};
        EXPECT_TRUE(network_computes_the_same(recurrence, shape, torch::kFloat));
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, Recurrent, testing::Values("lstm", "gru", "rnn_tanh", "rnn_relu"),
                         [](const auto& info) { return info.param; });

using RecurrentOps = Conformance;

TEST_F(RecurrentOps, AnLstmWhoseHiddenStateIsProjectedComputesTheSame) {
  for (const bool bidirectional : {false, true}) {
    for (const bool packed : {false, true}) {
      const Shape shape{true, bidirectional, false, /*projected=*/5, packed};
      EXPECT_TRUE(network_computes_the_same(recurrences().at("lstm"), shape, torch::kFloat));
    }
  }
}

TEST_F(RecurrentOps, AnLstmComputesTheSameWithoutGradients) {
  const torch::NoGradGuard no_grad;
  for (const int64_t projected : {0, 3}) {
    for (const int64_t layers : {1, 2}) {
      for (const bool batch_first : {false, true}) {
        SCOPED_TRACE(testing::Message() << layers << " layers, projected to " << projected << ", " << batch_first);
        torch::nn::LSTM layer(torch::nn::LSTMOptions(kFeatures, kHidden)
                                  .num_layers(layers)
                                  .dropout(0.3)
                                  .proj_size(projected)
                                  .batch_first(batch_first));
        auto inputs = layer->parameters();
        inputs.push_back(torch::randn({kSteps, kBatch, kFeatures}));
        for (const int64_t size : {projected > 0 ? projected : kHidden, kHidden}) {
          inputs.push_back(torch::zeros({layers, batch_first ? kSteps : kBatch, size}));
        }
        EXPECT_TRUE(computes_the_same(inputs, [&](const Tensors& in) {
          torch::manual_seed(7);
          const auto parameters = in.end() - 3;
          auto [output, hidden, cell] =
              at::lstm(*parameters, {in[in.size() - 2], in.back()}, Tensors(in.begin(), parameters), true, layers, 0.3,
                       true, false, batch_first);
          return Tensors{output, hidden, cell};
        }));
      }
    }
  }
}

TEST_F(RecurrentOps, AnLstmTakesTheKernelsOfItsPrecisionAndOfGradientMode) {
  const auto compare = [](const Shape& shape, torch::ScalarType dtype) {
    SCOPED_TRACE(testing::Message() << dtype << (shape.bidirectional ? ", bidirectional" : "")
                                    << (shape.batch_first ? ", batch first" : "") << ", dropout " << shape.dropout);
    if (dtype != torch::kHalf) {
      EXPECT_TRUE(network_computes_the_same(recurrences().at("lstm"), shape, dtype));
    }
    EXPECT_TRUE(computes_the_same(inputs_of(recurrences().at("lstm"), shape, dtype), [&](const Tensors& in) {
      const torch::NoGradGuard no_grad;
      return run_lstm(in[0], {in[1], in[2]}, {in.begin() + 3, in.end()}, shape);
    }));
  };
  for (const auto dtype : {torch::kFloat, torch::kBFloat16, torch::kHalf}) {
    for (const bool bidirectional : {false, true}) {
      for (const double dropout : {0.0, 0.3}) {
        Shape shape;
        shape.bidirectional = bidirectional;
        shape.dropout = dropout;
        compare(shape, dtype);
        shape.batch_first = true;
        compare(shape, dtype);
      }
    }
  }
}

TEST_F(RecurrentOps, AnLstmWithoutBiasesAsksNothing) {
  const auto inputs = inputs_of(recurrences().at("lstm"), {/*has_biases=*/false}, torch::kFloat);
  Tensors moved;
  for (const Tensor& input : inputs) moved.push_back(input.detach().to(device()).requires_grad_());
  EXPECT_EQ(waits_in([&] {
              const auto results = run_lstm(moved[0], {moved[1], moved[2]}, {moved.begin() + 3, moved.end()}, {false});
              results[0].sum().backward();
            }),
            0u);
}

TEST_F(RecurrentOps, AnLstmThatKeepsItsTapeNeedsNoGradientOfEachOutput) {
  EXPECT_TRUE(computes_the_same(inputs_of(taped("lstm"), {}, torch::kFloat), [](const Tensors& in) {
    const auto results = taped("lstm").run(in[0], {in[1], in[2]}, {in.begin() + 3, in.end()}, {});
    results[1].pow(2).sum().backward();
    Tensors gradients;
    for (const Tensor& input : in) gradients.push_back(input.grad());
    return gradients;
  }));
}

TEST_F(RecurrentOps, CellsComputeTheSame) {
  using Cell = std::function<Tensors(const Tensors& in, bool has_biases)>;
  const Cell lstm = [](const Tensors& in, bool has_biases) -> Tensors {
    auto [hidden, cell] = has_biases ? at::lstm_cell(in[0], {in[1], in[2]}, in[3], in[4], in[5], in[6])
                                     : at::lstm_cell(in[0], {in[1], in[2]}, in[3], in[4]);
    return {hidden, cell};
  };
  const Cell gru = [](const Tensors& in, bool has_biases) -> Tensors {
    return {has_biases ? at::gru_cell(in[0], in[1], in[3], in[4], in[5], in[6])
                       : at::gru_cell(in[0], in[1], in[3], in[4])};
  };
  for (const auto& [gates, cell] : std::map<int64_t, Cell>{{4, lstm}, {3, gru}}) {
    for (const auto dtype : {torch::kFloat, torch::kDouble}) {
      for (const bool has_biases : {false, true}) {
        const auto numbers = [&](at::IntArrayRef sizes) { return torch::randn(sizes, dtype).requires_grad_(); };
        const Tensors inputs{numbers({kBatch, kFeatures}),        numbers({kBatch, kHidden}),
                             numbers({kBatch, kHidden}),          numbers({gates * kHidden, kFeatures}),
                             numbers({gates * kHidden, kHidden}), numbers({gates * kHidden}),
                             numbers({gates * kHidden})};
        EXPECT_TRUE(computes_the_same(inputs,
                                      [&](const Tensors& in) {
                                        Tensors results = cell(in, has_biases);
                                        (results[0].pow(2).sum() + results.back().sum()).backward();
                                        for (size_t i = 0; i < (has_biases ? in.size() : 5); ++i) {
                                          if (in[i].grad().defined()) results.push_back(in[i].grad());
                                        }
                                        return results;
                                      }))
            << gates << " gates, " << dtype << (has_biases ? ", biases" : "");
      }
    }
  }
}

TEST_F(RecurrentOps, RefuseWhatDoesNotFitTogether) {
  const Recurrence gru = recurrences().at("gru");
  Tensors inputs;
  for (const Tensor& input : inputs_of(gru, {}, torch::kFloat)) inputs.push_back(input.detach().to(device()));
  const Tensors states{inputs[1]}, parameters(inputs.begin() + 2, inputs.end());
  const auto run = [&](const Tensor& input, const Tensors& states_given, const Tensors& parameters_given) {
    gru.run(input, states_given, parameters_given, {});
  };
  EXPECT_NO_THROW(run(inputs[0], states, parameters));
  EXPECT_THROW(run(inputs[0].slice(0, 0, 0), states, parameters), c10::Error) << "no step";
  EXPECT_THROW(run(inputs[0], {states[0].slice(0, 0, 1)}, parameters), c10::Error) << "a state for one of two layers";
  EXPECT_THROW(run(inputs[0], states, {parameters.begin(), parameters.end() - 1}), c10::Error) << "a bias is missing";
}

TEST_F(RecurrentOps, RefusePackedSequencesThatDoNotFitTogether) {
  if (!on_worker()) GTEST_SKIP() << "LibTorch's CPU code checks none of this";
  const Recurrence gru = recurrences().at("gru");
  const Shape shape{true, false, false, 0, /*packed=*/true};
  Tensors inputs;
  for (const Tensor& input : inputs_of(gru, shape, torch::kFloat)) inputs.push_back(input.detach().to(device()));
  const Tensors parameters(inputs.begin() + 2, inputs.end());
  const auto run = [&](const Tensor& sizes) {
    at::gru(inputs[0], sizes, inputs[1], parameters, true, kLayers, 0.0, true, false);
  };
  EXPECT_NO_THROW(run(batch_sizes()));
  EXPECT_THROW(run(torch::tensor({3, 3, 3, 1, 2}, torch::kLong)), c10::Error) << "a sequence that comes back";
  EXPECT_THROW(run(torch::tensor({3, 3, 3, 2}, torch::kLong)), c10::Error) << "fewer steps than there are";
  EXPECT_THROW(run(torch::tensor({2, 2, 2, 2, 2, 2}, torch::kLong)), c10::Error) << "a state too many";
  EXPECT_THROW(run(torch::empty({0}, torch::kLong)), c10::Error) << "no step";
  EXPECT_THROW(run(batch_sizes().to(device())), c10::Error) << "sizes that the client doesn't know";
}

}  // namespace
}  // namespace remote::test
