#include "same.h"

namespace remote::test {
namespace {

namespace rnn = torch::nn::utils::rnn;
using Sequences = Conformance;

TEST_F(Sequences, ArePackedAndPadded) {
  const auto lengths = torch::tensor({5, 2, 4});
  EXPECT_TRUE(computes_the_same({torch::randn({3, 5, 4}).requires_grad_()}, [&](const auto& in) {
    const auto packed = rnn::pack_padded_sequence(in[0], lengths, /*batch_first=*/true, /*enforce_sorted=*/false);
    EXPECT_EQ(packed.data().device(), in[0].device());
    EXPECT_TRUE(packed.batch_sizes().is_cpu());
    const auto [padded, back] = rnn::pad_packed_sequence(packed, /*batch_first=*/true, -1.f);
    EXPECT_TRUE(torch::equal(back.cpu(), lengths));
    padded.pow(2).sum().backward();
    return std::vector<torch::Tensor>{packed.data().detach(), padded.detach(), in[0].grad()};
  }));
  const std::vector<torch::Tensor> sequences = {torch::randn({4, 2}), torch::randn({1, 2}), torch::randn({3, 2})};
  EXPECT_TRUE(computes_the_same(sequences, [](const auto& in) {
    const auto packed = rnn::pack_sequence(torch::ArrayRef<torch::Tensor>(in), /*enforce_sorted=*/false);
    return std::vector<torch::Tensor>{rnn::pad_sequence(in, true, 9.), rnn::pad_sequence(in), packed.data()};
  }));
}

TEST_F(Sequences, ThatArePackedGoThroughRecurrentLayers) {
  const auto outputs_of = [](auto layer, torch::Device where) {
    auto moved = std::dynamic_pointer_cast<typename decltype(layer)::ContainedType>(layer->clone(where));
    const auto input = torch::linspace(-1, 1, 60).reshape({3, 5, 4}).to(where).requires_grad_();
    const auto packed = rnn::pack_padded_sequence(input, torch::tensor({5, 3, 1}), /*batch_first=*/true);
    const auto [output, state] = moved->forward_with_packed_input(packed);
    const auto padded = std::get<0>(rnn::pad_packed_sequence(output, true));
    padded.pow(2).sum().backward();
    return std::vector<torch::Tensor>{padded.detach().cpu(), input.grad().cpu()};
  };
  const auto agree = [&](auto layer) {
    const auto here = outputs_of(layer, torch::kCPU), there = outputs_of(layer, device());
    for (size_t i = 0; i < here.size(); ++i)
      EXPECT_TRUE(torch::allclose(here[i], there[i], 1e-5, 1e-6)) << here[i] << there[i];
  };
  agree(torch::nn::LSTM(torch::nn::LSTMOptions(4, 3).num_layers(2)));
  agree(torch::nn::LSTM(torch::nn::LSTMOptions(4, 3).bidirectional(true)));
  agree(torch::nn::GRU(torch::nn::GRUOptions(4, 3)));
  agree(torch::nn::RNN(torch::nn::RNNOptions(4, 3)));
}

}  // namespace
}  // namespace remote::test
