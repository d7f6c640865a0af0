// Arguments that only a kernel of LibTorch looks at: refused at the call, as on the CPU, and nothing is recorded.
#include <torch/version.h>

#include "same.h"

namespace remote::test {
namespace {

using torch::Tensor;
namespace F = torch::nn::functional;

using ArgumentChecks = Conformance;

constexpr bool kTablesHold = TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR == 13;

struct Misuse {
  const char* what;
  std::function<void()> call;
};

Tensor ones(at::IntArrayRef sizes, torch::ScalarType dtype = torch::kFloat) {
  return torch::ones(sizes, torch::TensorOptions(device()).dtype(dtype));
}

void expect_refused(const std::vector<Misuse>& misuses) {
  for (const Misuse& misuse : misuses) {
    const uint64_t waits = waits_in([&] { EXPECT_THROW(misuse.call(), c10::Error) << misuse.what; });
    EXPECT_EQ(waits, 0u) << misuse.what << ": the worker was asked";
    EXPECT_EQ(message_of([] {}), "no error") << misuse.what << ": the worker refused it, too";
  }
}

TEST_F(ArgumentChecks, DtypesThatKernelsLack) {
  if (!kTablesHold) GTEST_SKIP() << "the table of dtypes was measured with LibTorch 2.13";
  const Tensor longs = ones({3, 4}, torch::kLong), complex = ones({3, 4}, torch::kComplexFloat);
  expect_refused({
      {"gelu of Long", [=] { torch::gelu(longs); }},
      {"softmax of Long", [=] { torch::softmax(longs, 1); }},
      {"order of complex numbers", [=] { torch::lt(complex, complex); }},
      {"abs of Bool, in place", [=] { (longs > 0).abs_(); }},
      {"elu into an out",
       [=] {
         Tensor out = torch::empty({0}, longs.options());
         torch::elu_out(out, longs);
       }},
  });
  expect_refused({
      {"linalg_eigh of Long",
       [] {
         torch::linalg_eigh(ones({2, 2}, torch::kLong));
       }},
  });
  const Tensor mask = longs > 0, nothing = ones({0}, torch::kLong);
  expect_refused({
      {"relu of Bool", [=] { torch::relu(mask); }},
      {"hardtanh of Bool", [=] { F::hardtanh(mask); }},
      {"frexp of Long", [=] { torch::frexp(longs); }},
      {"a number less Bool", [=] { torch::rsub(mask, mask); }},
      {"bincount of Float", [] { torch::bincount(ones({3})); }},
      {"dropout of Long", [=] { torch::dropout(longs, 0.5, true); }},
      {"gcd of Float", [] { torch::gcd(ones({3}), ones({3})); }},
      {"elu of nothing", [=] { torch::elu(nothing); }},
      {"matrix_exp of Long",
       [] {
         torch::linalg_matrix_exp(ones({2, 2}, torch::kLong));
       }},
  });
  // Of nothing, some kernels are not asked.
  torch::linalg_eigvalsh(ones({0, 0}, torch::kLong));
  ones({0}, torch::kLong).normal_();
  EXPECT_EQ(message_of([] {}), "no error");
  EXPECT_THROW(torch::mish(longs), c10::NotImplementedError);
  // Of the promoted dtype a kernel there is.
  EXPECT_TRUE(same(torch::floor_divide(torch::ones({3}, torch::kBool), torch::full({3}, 2.)),
                   torch::floor_divide(ones({3}, torch::kBool), 2 * ones({3}))));
}

TEST_F(ArgumentChecks, NumbersBeyondADtype) {
  expect_refused({
      {"random_ into Byte", [] { ones({3}, torch::kByte).random_(0, 300); }},
      {"random_ into Char", [] { ones({3}, torch::kChar).random_(-200, 3); }},
      {"random_ into Bool", [] { ones({3}, torch::kBool).random_(-1, 1); }},
  });
  for (const auto& [number, dtype] :
       std::vector<std::pair<torch::Scalar, torch::ScalarType>>{{300, torch::kByte},
                                                                {1e30, torch::kLong},
                                                                {1e30, torch::kHalf},
                                                                {c10::complex<double>(1, 2), torch::kFloat}}) {
    Tensor x = ones({2}, dtype);
    EXPECT_THROW(x.fill_(number), std::runtime_error) << number << " in " << dtype;
    EXPECT_THROW(x.masked_fill_(ones({2}, torch::kBool), number), std::runtime_error) << number << " in " << dtype;
  }
  EXPECT_TRUE(same(torch::full({2}, 3.f), ones({2}).fill_(c10::complex<double>(3, 0))));
  ones({3}, torch::kByte).random_(0, 256);
  EXPECT_EQ(message_of([] {}), "no error");
}

TEST_F(ArgumentChecks, StatisticsOfAnotherDtypeOrSize) {
  const auto norm = [](const Tensor& statistics) {
    torch::batch_norm(ones({2, 3, 4}), {}, {}, statistics, statistics, true, 0.1, 1e-5, false);
  };
  expect_refused({
      {"Double statistics", [=] { norm(ones({3}, torch::kDouble)); }},
      {"too few statistics", [=] { norm(ones({2})); }},
      {"distances of Long",
       [] {
         torch::cdist(ones({2, 3}, torch::kLong), ones({2, 3}, torch::kLong));
       }},
  });
}

TEST_F(ArgumentChecks, OutsThatTheInputsShare) {
  const Tensor x = torch::rand({3}, torch::TensorOptions(device())),
               places = torch::zeros({3}, x.options().dtype(torch::kLong));
  const auto into_x = [x](auto run) {
    return [=] {
      Tensor out = x;
      run(out);
    };
  };
  expect_refused({
      {"gather", into_x([=](Tensor& out) { torch::gather_out(out, x, 0, places); })},
      {"take", into_x([=](Tensor& out) { torch::take_out(out, x, places); })},
      {"index_select", into_x([=](Tensor& out) { torch::index_select_out(out, x, 0, places); })},
      {"masked_select", into_x([=](Tensor& out) { torch::masked_select_out(out, x, places > 0); })},
      {"cat", into_x([=](Tensor& out) { torch::cat_out(out, {x}); })},
      {"linalg_cross", into_x([=](Tensor& out) { torch::linalg_cross_out(out, x, x + 1); })},
      {"source of index_add", into_x([=](Tensor& out) { torch::index_add_out(out, x + 1, 0, places, x); })},
  });
  Tensor out = x.clone();
  torch::index_add_out(out, out, 0, places, x);
  EXPECT_EQ(message_of([] {}), "no error");
}

TEST_F(ArgumentChecks, NamesAndSizesThatOnlyKernelsKnow) {
  const Tensor matrix = ones({3, 3});
  expect_refused({
      {"gelu", [=] { torch::gelu(matrix, "about"); }},
      {"driver of lstsq", [=] { torch::linalg_lstsq(matrix, matrix, {}, "fast"); }},
      {"driver of svd", [=] { torch::linalg_svdvals(matrix, "gesvd"); }},
      {"tau of ormqr", [=] { torch::ormqr(matrix, ones({2}), matrix); }},
      {"dimension of logcumsumexp", [=] { torch::logcumsumexp(matrix, 2); }},
      {"dilation of max_pool1d", [=] { torch::max_pool1d(matrix, 2, 1, 0, 0); }},
      {"bins of histogramdd",
       [=] {
         torch::histogramdd(matrix, {2, 2});
       }},
  });
  // Other releases take it.
  if (kTablesHold) {
    expect_refused({
        {"step of arange", [] { torch::arange(0, 3, 0.5, torch::TensorOptions(device()).dtype(torch::kLong)); }},
    });
  }
}

TEST_F(ArgumentChecks, DtypesThatDoNotFit) {
  const auto f = [](at::IntArrayRef sizes) { return ones(sizes); };
  const auto d = [](at::IntArrayRef sizes) { return ones(sizes, torch::kDouble); };
  const auto l = [](at::IntArrayRef sizes) { return ones(sizes, torch::kLong); };
  expect_refused({
      {"mm",
       [=] {
         torch::mm(f({2, 3}), d({3, 4}));
       }},
      {"mm of Bool",
       [=] {
         torch::mm(f({2, 3}) > 0, f({3, 4}) > 0);
       }},
      {"bmm",
       [=] {
         torch::bmm(f({1, 2, 3}), d({1, 3, 4}));
       }},
      {"addbmm",
       [=] {
         torch::addbmm(d({2, 4}), f({1, 2, 3}), f({1, 3, 4}));
       }},
      {"dot", [=] { torch::dot(f({3}), d({3})); }},
      {"vdot", [=] { torch::vdot(f({3}), d({3})); }},
      {"linear",
       [=] {
         torch::linear(f({2, 3}), d({4, 3}));
       }},
      {"matmul",
       [=] {
         torch::matmul(f({2, 2, 3}), d({3, 4}));
       }},
      {"einsum",
       [=] {
         torch::einsum("ij,jk->ik", {f({2, 3}), d({3, 4})});
       }},
      {"conv2d",
       [=] {
         torch::conv2d(f({1, 1, 4, 4}), d({1, 1, 3, 3}));
       }},
      {"layer_norm",
       [=] {
         torch::layer_norm(f({2, 3}), {3}, d({3}), d({3}));
       }},
      {"bitwise_and", [=] { torch::bitwise_and(f({3}), f({3})); }},
      {"bitwise_not", [=] { torch::bitwise_not(f({3})); }},
      {"adaptive_avg_pool2d",
       [=] {
         torch::adaptive_avg_pool2d(l({1, 1, 4, 4}), {2, 2});
       }},
      {"poisson", [=] { torch::poisson(l({3})); }},
      {"bernoulli", [=] { torch::bernoulli(l({3})); }},
      {"multinomial", [=] { torch::multinomial(l({3}), 1); }},
      {"embedding",
       [=] {
         torch::embedding(f({3, 4}), f({3}));
       }},
      {"embedding_bag",
       [=] {
         torch::embedding_bag(f({3, 4}), f({3}), l({1}));
       }},
      {"index_select",
       [=] {
         torch::index_select(f({3, 3}), 0, f({3}));
       }},
      {"index_fill_",
       [=] {
         f({3, 3}).index_fill_(0, f({2}), 1.);
       }},
      {"take", [=] { torch::take(f({3}), f({2})); }},
      {"where", [=] { torch::where(f({3}), f({3}), f({3})); }},
      {"std", [=] { torch::std(l({3})); }},
      {"uniform_", [=] { l({3}).uniform_(0, 1); }},
      {"masked_fill", [=] { torch::masked_fill(f({3}), ones({3}, torch::kByte), 1.); }},
  });
}

TEST_F(ArgumentChecks, ShapesThatDoNotFit) {
  const auto f = [](at::IntArrayRef sizes) { return ones(sizes); };
  const auto l = [](at::IntArrayRef sizes) { return ones(sizes, torch::kLong); };
  const auto fold = F::FoldFuncOptions({4, 4}, {2, 2});
  expect_refused({
      {"fold of too few columns",
       [=] {
         F::fold(f({1, 4, 5}), fold);
       }},
      {"fold of a part of a kernel",
       [=] {
         F::fold(f({1, 5, 9}), fold);
       }},
      {"searchsorted",
       [=] {
         torch::searchsorted(f({2, 3}), f({3, 2}));
       }},
      {"bucketize",
       [=] {
         torch::bucketize(f({2}), f({2, 2}));
       }},
      {"multinomial of three dimensions",
       [=] {
         torch::multinomial(f({3, 3, 3}), 1);
       }},
      {"binomial", [=] { torch::binomial(f({3}), f({4})); }},
      {"put_", [=] { f({3}).put_(l({2}), f({3})); }},
      {"reflection_pad2d",
       [=] {
         torch::reflection_pad2d(f({1, 1, 2, 2}), {3, 3, 3, 3});
       }},
      {"grid_sampler",
       [=] {
         torch::grid_sampler(f({1, 1, 4, 4}), f({1, 2, 2, 3}), 0, 0, false);
       }},
      {"max of nothing", [=] { torch::max(f({0})); }},
      {"median along nothing",
       [=] {
         torch::median(f({0, 3}), 0);
       }},
      {"mode along nothing",
       [=] {
         torch::mode(f({0, 3}), 0);
       }},
      {"trace", [=] { torch::trace(f({3})); }},
      {"multi_margin_loss",
       [=] {
         torch::multi_margin_loss(f({3, 4}), l({2}));
       }},
      {"multilabel_margin_loss",
       [=] {
         torch::multilabel_margin_loss(f({3, 4}), l({3, 3}));
       }},
      {"ctc_loss",
       [=] {
         torch::ctc_loss(f({5, 2, 4}), l({2, 3}), at::IntArrayRef({5, 5, 5}), at::IntArrayRef({3, 3}));
       }},
      {"linalg_solve_triangular",
       [=] {
         torch::linalg_solve_triangular(f({2, 2}), f({3, 3}), /*upper=*/true);
       }},
  });
}

TEST_F(ArgumentChecks, NumbersOutOfTheirRange) {
  auto x = ones({3});
  expect_refused({
      {"multinomial of more than there are", [&] { torch::multinomial(x, 5); }},
      {"multinomial of none", [&] { torch::multinomial(x, 0); }},
      {"normal_", [&] { x.normal_(0, -1); }},
      {"log_normal_", [&] { x.log_normal_(0, -1); }},
      {"cauchy_", [&] { x.cauchy_(0, -1); }},
      {"exponential_", [&] { x.exponential_(-1); }},
      {"geometric_", [&] { x.geometric_(2); }},
      {"uniform_", [&] { x.uniform_(2, 1); }},
      {"random_", [&] { x.random_(5, 2); }},
      {"bernoulli_", [&] { x.bernoulli_(1.5); }},
      {"histc", [&] { torch::histc(x, 0); }},
      {"searchsorted", [&] { torch::searchsorted(x, x, false, /*right=*/true, "left"); }},
  });
  EXPECT_TRUE(same(torch::ones({3}), x)) << "nothing was recorded";
}

TEST_F(ArgumentChecks, LetPassWhatTheCpuTakes) {
  using Results = std::vector<Tensor>;
  const auto b = torch::kBool, l = torch::kLong, d = torch::kDouble;
  EXPECT_TRUE(computes_the_same({torch::rand({2, 3})}, [=](const auto& in) {
    const auto o = in[0].options();
    const auto zeros = [=](at::IntArrayRef sizes, torch::ScalarType dtype) {
      return torch::zeros(sizes, o.dtype(dtype));
    };
    return Results{
        // Products of nothing ask no kernel.
        torch::mm(zeros({0, 2}, b), zeros({2, 2}, b)), torch::linear(zeros({0, 2}, b), zeros({3, 2}, b)),
        torch::bmm(zeros({0, 2, 3}, torch::kFloat), zeros({0, 3, 4}, d)),
        torch::conv2d(zeros({0, 1, 4, 4}, torch::kFloat), zeros({1, 1, 3, 3}, torch::kFloat)),
        torch::mm(zeros({2, 3}, l) + 2, zeros({3, 1}, l) + 3), torch::dot(zeros({3}, l), zeros({3}, l)),
        // Other dtypes than the usual.
        torch::layer_norm(in[0].to(torch::kBFloat16), {3}, torch::ones({3}, o), torch::ones({3}, o)),
        torch::bitwise_and(zeros({3}, b), zeros({3}, l)), torch::bitwise_or(zeros({3}, torch::kByte), 1),
        torch::embedding(in[0], zeros({2}, torch::kInt)), in[0].index_select(0, zeros({2}, torch::kInt)),
        std::get<0>(torch::embedding_bag(in[0], zeros({2}, torch::kShort), zeros({1}, l))),
        torch::where(zeros({3}, b), in[0], 1.), in[0].clone().index_put_({zeros({1}, torch::kInt)}, 5.),
        in[0].clone().masked_fill_(in[0] > 0.5, 1.), in[0].clone().put_(zeros({1}, l), torch::ones({1}, o)),
        torch::searchsorted(std::get<0>(in[0].sort()), zeros({2, 1}, d)),
        torch::searchsorted(torch::arange(3., o), 1.5, true, false, "right"), torch::bucketize(in[0], in[0][0]),
        // Shapes and numbers at their bounds.
        torch::reflection_pad1d(in[0], {2, 2}), torch::max(zeros({1}, l)), torch::histc(in[0], 1, 0, 1),
        std::get<0>(torch::median(zeros({0, 3}, torch::kFloat), 1)), torch::trace(zeros({0, 2}, torch::kFloat)),
        torch::linalg_solve_triangular(torch::eye(2, o), in[0].t().contiguous(), true, /*left=*/false),
        torch::empty({3}, o).normal_(1, 0), torch::empty({3}, o).uniform_(2, 2), torch::empty({3}, o).bernoulli_(1.),
        torch::empty({3}, o).random_(0, 1), torch::empty({0}, o.dtype(l)).bernoulli_(zeros({0}, l))};
  }));
  EXPECT_EQ(message_of([] { torch::binomial(ones({3, 1}), ones({2})); }), "no error");
  EXPECT_EQ(message_of([] { torch::multinomial(ones({2, 3}), 5, /*replacement=*/true); }), "no error");
}

}  // namespace
}  // namespace remote::test
