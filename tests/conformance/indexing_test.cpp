#include "same.h"

namespace remote::test {
namespace {

using Indexing = Conformance;
using torch::indexing::Ellipsis;
using torch::indexing::None;
using torch::indexing::Slice;

torch::Tensor cube() { return torch::arange(60.f).reshape({3, 4, 5}); }

TEST_F(Indexing, ByIntegersSlicesAndTensorsReadsTheSame) {
  EXPECT_TRUE(computes_the_same({cube(), torch::tensor({2, 0, 2}), torch::tensor({1, 3, 0})}, [](const auto& in) {
    const auto &x = in[0], &rows = in[1], &columns = in[2];
    return std::vector<torch::Tensor>{x.index({1}),
                                      x.index({Slice(1), 2}),
                                      x.index({Ellipsis, Slice(None, None, 2)}),
                                      x.index({rows}),
                                      x.index({rows, columns}),
                                      x.index({Slice(), columns}),
                                      x.index({rows, Slice(), Slice(1, 3)}),
                                      x.index({None, rows, columns, 4}),
                                      x.index({rows.unsqueeze(1), columns}),
                                      x.index({-rows})};
  }));
}

TEST_F(Indexing, ByMasksReadsTheSame) {
  EXPECT_TRUE(computes_the_same({cube(), torch::tensor({true, false, true}), torch::tensor({1})}, [](const auto& in) {
    const auto &x = in[0], &mask = in[1];
    return std::vector<torch::Tensor>{x.index({mask}), x.index({x > 30}), x.index({mask, 1}), x.masked_select(x < 7),
                                      x.index({x > 1000}), x.index({mask, in[2]}), (x > 55).nonzero()};
  }));
}

TEST_F(Indexing, WritesTheSame) {
  EXPECT_TRUE(
      computes_the_same({cube(), torch::tensor({2, 0}), torch::tensor({true, false, true})}, [](const auto& in) {
        auto x = in[0];
        x.index_put_({in[1]}, torch::full({4, 5}, -1.f, x.options()));
        x.index_put_({in[2], 1}, 7);
        x.index_put_({x > 50}, 0);
        x.index_put_({0, Slice(), 2}, torch::arange(4.f, x.options()));
        x.index_put_({in[1], in[1]}, torch::ones({2, 5}, x.options()), /*accumulate=*/true);
        x.masked_fill_(x.eq(3), 33);
        return std::vector<torch::Tensor>{x};
      }));
}

TEST_F(Indexing, TakesIndicesThatLieOnTheCpu) {
  const auto x = cube();
  const auto rows = torch::tensor({2, 0}), mask = torch::tensor({false, true, true});
  EXPECT_TRUE(same(x.index({rows}), x.to(device()).index({rows})));
  EXPECT_TRUE(same(x.index({mask}), x.to(device()).index({mask})));
  auto there = x.to(device()), here = x.clone();
  there.index_put_({rows, Slice(), 1}, 5);
  here.index_put_({rows, Slice(), 1}, 5);
  EXPECT_TRUE(same(here, there));
}

TEST_F(Indexing, WhatDoesNotFitIsRefusedAtTheCall) {
  auto x = torch::zeros({4, 5, 6}).to(device());
  const auto ones = [&](at::IntArrayRef sizes) { return torch::ones(sizes).to(device()); };
  const auto two = torch::tensor({0, 1}).to(device()), three = torch::tensor({0, 1, 2}).to(device());
  using torch::indexing::Slice;
  EXPECT_THROW(x.index_put_({two, three}, 1), c10::Error) << "indices that can't be broadcast";
  EXPECT_THROW(x.index_put_({two}, ones({3, 5, 6})), c10::Error) << "three values for two places";
  EXPECT_THROW(x.index_put_({two, Slice(), two}, ones({5, 2})), c10::Error) << "places come first: [2, 5]";
  EXPECT_THROW(x.index_put_({two, two, two, two}, 1), c10::Error) << "more indices than dimensions";
  EXPECT_THROW(x.masked_fill_(ones({5, 5}) > 0, 1), c10::Error) << "a mask that can't be broadcast";
  EXPECT_THROW(x.masked_scatter_(ones({7, 1, 1}) > 0, ones({9})), c10::Error);
  EXPECT_TRUE(same(torch::zeros({4, 5, 6}), x)) << "nothing was recorded";
  EXPECT_NO_THROW(x.index_put_({two, Slice(), two}, ones({2, 5})));
  EXPECT_NO_THROW(x.index_put_({Slice(), two, two.unsqueeze(1)}, ones({4, 2, 2})));
  EXPECT_NO_THROW(x.index_put_({x > 0}, ones({1})));
  EXPECT_NO_THROW(x.masked_fill_(ones({5, 1}) > 0, 1));
  EXPECT_TRUE(same(torch::ones({4, 5, 6}), x));
}

TEST_F(Indexing, GathersAndScatters) {
  const auto index = torch::tensor({{0, 1, 2}, {2, 1, 0}});
  EXPECT_TRUE(computes_the_same({torch::arange(6.f).reshape({2, 3}), index, torch::tensor({1, 0, 1})}, [](const auto&
                                                                                                              in) {
    const auto &x = in[0], &index = in[1], &picks = in[2];
    return std::vector<torch::Tensor>{x.gather(1, index),
                                      torch::zeros_like(x).scatter_(1, index, x),
                                      torch::zeros_like(x).scatter_add_(1, index, x),
                                      x.index_select(0, picks),
                                      torch::zeros({2, 3}, x.options()).index_add_(0, picks.slice(0, 0, 2), x),
                                      x.clone().index_copy_(0, picks.slice(0, 0, 2), x),
                                      x.clone().index_fill_(1, picks, 9),
                                      x.take(index),
                                      torch::take_along_dim(x, index, 1),
                                      torch::where(x > 2, x, -x),
                                      torch::scatter_reduce(x, 1, index, x, "amax")};
  }));
}

TEST_F(Indexing, FindsSortsAndCounts) {
  const auto x = torch::tensor({3, 1, 2, 3, 1, 3});
  EXPECT_TRUE(computes_the_same({x}, [](const auto& in) {
    const auto [values, order] = in[0].sort(/*stable=*/true, 0, false);
    const auto [top, top_index] = in[0].to(torch::kFloat).add(torch::arange(6.f, in[0].device()) * 0.1).topk(3);
    const auto [unique, inverse, counts] = torch::_unique2(in[0], true, true, true);
    return std::vector<torch::Tensor>{values,  order, top, top_index, unique, inverse, counts, in[0].bincount(),
                                      in[0].argmax(), torch::searchsorted(values, in[0]), torch::isin(in[0], 3)};
  }));
}

}  // namespace
}  // namespace remote::test
