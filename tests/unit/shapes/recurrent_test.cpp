#include "tests/unit/shapes/shape_check.h"

namespace remote::device {
namespace {

struct Network {
  int64_t layers, directions, input, hidden, projected;
  bool biases;
};

/// The parameters of a recurrent network with `gates` gates, in LibTorch's order.
std::vector<at::Tensor> parameters(const Network& n, int64_t gates) {
  std::vector<at::Tensor> list;
  const int64_t out = n.projected > 0 ? n.projected : n.hidden;
  for (int64_t layer = 0; layer < n.layers; ++layer) {
    for (int64_t direction = 0; direction < n.directions; ++direction) {
      list.push_back(filled({gates * n.hidden, layer == 0 ? n.input : out * n.directions}));
      list.push_back(filled({gates * n.hidden, out}));
      if (n.biases) list.insert(list.end(), 2, filled({gates * n.hidden}));
      if (n.projected > 0) list.push_back(filled({n.projected, n.hidden}));
    }
  }
  return list;
}

const std::vector<Network> kNetworks = {
    {1, 1, 5, 6, 0, true}, {2, 1, 5, 6, 0, true}, {1, 2, 5, 6, 0, false}, {2, 2, 5, 6, 0, true}};

TEST(RecurrentRules, WholeOpsOnPaddedBatches) {
  for (const Network& n : kNetworks) {
    const at::Tensor state = filled({n.layers * n.directions, 3, n.hidden});
    for (bool batch_first : {false, true}) {
      for (const auto& x : some_layouts(batch_first ? Ints{3, 7, 5} : Ints{7, 3, 5})) {
        for (bool train : {false, true}) {
          const auto call = [&](const char* op, const c10::IValue& hx, int64_t gates) {
            check(op, {x, hx, parameters(n, gates), n.biases, n.layers, 0.0, train, n.directions == 2, batch_first});
          };
          call("lstm.input", std::vector<at::Tensor>{state, state}, 4);
          call("gru.input", state, 3);
          call("rnn_tanh.input", state, 1);
          call("rnn_relu.input", state, 1);
        }
      }
    }
  }
}

TEST(RecurrentRules, ProjectedLstm) {
  const Network n{2, 2, 5, 6, 4, true};
  const std::vector<at::Tensor> states{filled({4, 3, 4}), filled({4, 3, 6})};
  check("lstm.input", {filled({7, 3, 5}), states, parameters(n, 4), true, 2, 0.0, true, true, false});
}

TEST(RecurrentRules, WholeOpsOnPackedBatches) {
  for (const Network& n : kNetworks) {
    const at::Tensor state = filled({n.layers * n.directions, 3, n.hidden});
    const at::Tensor batch_sizes = at::tensor({3, 2, 2, 1}, at::kLong);
    const auto call = [&](const char* op, const c10::IValue& hx, int64_t gates) {
      check(op,
            {filled({8, 5}), batch_sizes, hx, parameters(n, gates), n.biases, n.layers, 0.0, true, n.directions == 2});
    };
    call("lstm.data", std::vector<at::Tensor>{state, state}, 4);
    call("gru.data", state, 3);
    call("rnn_tanh.data", state, 1);
  }
}

TEST(RecurrentRules, OneDnnLayerHasAnOpaqueWorkspace) {
  const std::vector<at::Tensor> p = parameters({1, 1, 5, 6, 0, true}, 4);
  const at::Tensor state = filled({3, 6});
  for (bool train : {false, true}) {
    for (bool reverse : {false, true}) {
      const Values arguments{
          filled({7, 3, 5}), p[0], p[1], p[2], p[3], state, state, reverse, Ints{}, 2, 6, 1, true, false, false, train};
      check("mkldnn_rnn_layer", arguments);
      EXPECT_EQ(foretold("mkldnn_rnn_layer", arguments, c10::DeviceType::CPU)[3].kind, OutputSpec::Kind::kOpaque);
      const auto [y, hy, cy, workspace] = at::mkldnn_rnn_layer(filled({7, 3, 5}), p[0], p[1], p[2], p[3], state, state,
                                                               reverse, {}, 2, 6, 1, true, false, false, train);
      if (!train) continue;
      check("mkldnn_rnn_layer_backward", {filled({7, 3, 5}),
                                          p[0],
                                          p[1],
                                          p[2],
                                          p[3],
                                          state,
                                          state,
                                          y,
                                          hy,
                                          cy,
                                          filled({7, 3, 6}),
                                          filled({3, 6}),
                                          filled({3, 6}),
                                          reverse,
                                          2,
                                          6,
                                          1,
                                          true,
                                          train,
                                          false,
                                          Ints{},
                                          false,
                                          workspace});
    }
  }
}

}  // namespace
}  // namespace remote::device
