#include "same.h"

namespace remote::test {
namespace {

using Views = Conformance;

TEST_F(Views, ReadThePartOfTheStorageThatTheyName) {
  EXPECT_TRUE(computes_the_same({torch::arange(24.f).reshape({2, 3, 4})}, [](const auto& in) {
    const auto& x = in[0];
    return std::vector<torch::Tensor>{x.view({6, 4}),
                                      x.reshape({4, 6}),
                                      x.transpose(1, 2),
                                      x.permute({2, 0, 1}),
                                      x.select(1, 2),
                                      x.slice(2, 1, 4, 2),
                                      x.narrow(0, 1, 1),
                                      x.unsqueeze(1),
                                      x.flatten(1),
                                      x.expand({5, 2, 3, 4}),
                                      x.diagonal(0, 1, 2),
                                      x.unfold(2, 2, 1),
                                      x.squeeze(),
                                      x.movedim(0, 2),
                                      x.as_strided({2, 2}, {1, 5}, 3),
                                      x.view(torch::kInt),
                                      x.swapaxes(0, 1),
                                      x.unflatten(2, {2, 2}),
                                      x.mT()};
  }));
}

TEST_F(Views, WriteThroughToTheirBase) {
  EXPECT_TRUE(computes_the_same({torch::arange(24.f).reshape({4, 6})}, [](const auto& in) {
    auto x = in[0];
    x.select(0, 1).add_(10);
    x.slice(1, 0, 6, 2).mul_(-1);
    x.t().select(0, 5).zero_();
    x.diagonal().fill_(3);
    x.view({2, 12}).narrow(1, 0, 2).sub_(0.5);
    x.slice(0, 2, 4).copy_(x.slice(0, 0, 2).clone());
    return std::vector<torch::Tensor>{x};
  }));
}

TEST_F(Views, SplitAndChunkWithoutCopying) {
  EXPECT_TRUE(computes_the_same({torch::arange(20.f).reshape({10, 2})}, [](const auto& in) {
    auto parts = in[0].split(4);
    parts[1].zero_();
    auto chunks = in[0].chunk(3);
    chunks[2].add_(1);
    auto single = in[0].unbind(1);
    single[1].mul_(2);
    return std::vector<torch::Tensor>{in[0], parts[2], chunks[0], single[0]};
  }));
}

TEST_F(Views, OfComplexNumbersShowTheirParts) {
  EXPECT_TRUE(computes_the_same({torch::complex(torch::arange(6.f), torch::arange(6.f) + 1)}, [](const auto& in) {
    torch::view_as_real(in[0]).select(1, 0).add_(1);
    torch::imag(in[0]).mul_(2);
    return std::vector<torch::Tensor>{in[0], torch::real(in[0]), torch::imag(in[0]),
                                      torch::view_as_complex(torch::view_as_real(in[0]))};
  }));
}

TEST_F(Views, SurviveTheirBase) {
  torch::Tensor view;
  {
    const auto base = torch::arange(10.f).to(device());
    view = base.slice(0, 5, 8);
  }
  EXPECT_TRUE(same(torch::tensor({5.f, 6.f, 7.f}), view));
}

TEST_F(Views, ShareTheStorageOfTheirBase) {
  const auto base = torch::zeros({4, 4}, torch::TensorOptions(device()));
  EXPECT_TRUE(base.is_alias_of(base.t()));
  EXPECT_TRUE(base.is_alias_of(base.view({16}).slice(0, 3)));
  EXPECT_FALSE(base.is_alias_of(base.clone()));
}

TEST_F(Views, ThatOverlapThemselvesAreNotWrittenInPlace) {
  auto expanded = torch::zeros({1}, torch::TensorOptions(device())).expand({4});
  EXPECT_THROW(expanded.add_(1), c10::Error);
  auto x = torch::zeros({6}, torch::TensorOptions(device()));
  EXPECT_THROW(x.slice(0, 0, 3).add_(x.slice(0, 1, 4)), c10::Error);
}

}  // namespace
}  // namespace remote::test
