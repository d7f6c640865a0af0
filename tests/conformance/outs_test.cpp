// Out variants: outs of any size, dtype and layout become what LibTorch's CPU code makes of them.
#include "same.h"

namespace remote::test {
namespace {

using torch::Tensor;

using Outs = Conformance;

/// An out that nobody has used, and one that an op has written.
std::vector<Tensor> outs(const Tensor& like, at::IntArrayRef sizes) {
  return {torch::empty(sizes, like.options()), torch::zeros(sizes, like.options())};
}

/// LibTorch takes outs as lvalues.
Tensor& as_out(Tensor&& tensor) {
  return tensor;
}

void expect_refused(const char* what, const std::function<void()>& call) {
  EXPECT_THROW(call(), c10::Error) << what;
  EXPECT_EQ(message_of([] {}), "no error") << what << ": the worker refused it, too";
}

TEST_F(Outs, OfAnotherSizeAreResized) {
  EXPECT_TRUE(computes_the_same({torch::rand({3, 4}), torch::rand({4, 5})}, [](const auto& in) {
    const Tensor &a = in[0], &b = in[1];
    std::vector<Tensor> results;
    for (const auto& sizes : std::vector<std::vector<int64_t>>{{0}, {7}, {2, 3, 4}}) {
      for (Tensor out : outs(a, sizes)) results.push_back(torch::add_out(out, a, a.slice(0, 0, 1)));
      for (Tensor out : outs(a, sizes)) results.push_back(torch::mm_out(out, a, b));
      for (Tensor out : outs(a, sizes)) results.push_back(torch::sum_out(out, a, {1}));
      for (Tensor out : outs(a, sizes)) results.push_back(torch::cat_out(out, {a, a}, 1));
      for (Tensor out : outs(a, sizes))
        results.push_back(torch::cholesky_inverse_out(out, torch::mm(a, a.t()) + torch::eye(3, a.options())));
      for (Tensor out : outs(a, sizes)) results.push_back(torch::eye_out(out, 3, 2));
    }
    return results;
  }));
}

TEST_F(Outs, KeepTheirLayout) {
  EXPECT_TRUE(computes_the_same({torch::rand({20, 20})}, [](const auto& in) {
    std::vector<Tensor> results;
    for (Tensor out : outs(in[0], {20, 20})) {
      // Other loops, with other last bits, run over rows and over columns.
      results.push_back(torch::sinh_out(as_out(out.t()), in[0]));
      results.push_back(torch::pow_out(as_out(out.t()), in[0], 1.7));
    }
    return results;
  }));
}

TEST_F(Outs, OfAnotherDtypeTakeTheResultOrAreRefused) {
  EXPECT_TRUE(computes_the_same({torch::rand({3, 4})}, [](const auto& in) {
    const auto wide = in[0].options().dtype(torch::kDouble);
    return std::vector<Tensor>{torch::add_out(as_out(torch::empty({3, 4}, wide)), in[0], in[0]),
                               torch::var_out(as_out(torch::zeros({4}, wide)), in[0], at::IntArrayRef{0})};
  }));
  const Tensor x = torch::rand({3}).to(device());
  for (Tensor out : outs(x.to(torch::kInt), {3})) {
    expect_refused("a sum into integers", [&] { torch::add_out(out, x, 1); });
    expect_refused("a sine into integers", [&] { torch::sin_out(out, x); });
  }
  expect_refused("places as floats", [&] { torch::nonzero_out(as_out(torch::empty({3, 1}, x.options())), x); });
}

TEST_F(Outs, ThatOverlapAreRefused) {
  const Tensor x = torch::ones({6}).to(device());
  expect_refused("itself", [&] { torch::add_out(as_out(torch::zeros({1}, x.options()).expand({6})), x, 1); });
  expect_refused("part of an input", [&] { torch::sin_out(as_out(x.slice(0, 1)), x.slice(0, 0, 5)); });
  expect_refused("itself, in place", [&] { torch::zeros({1}, x.options()).expand({6}).normal_(); });
  expect_refused("part of what is copied", [&] { x.slice(0, 1).copy_(x.slice(0, 0, 5)); });
  EXPECT_TRUE(same(torch::ones({6}), x));
}

TEST_F(Outs, OfOpsThatReadNoTensor) {
  EXPECT_TRUE(computes_the_same({torch::zeros({2, 3})}, [](const auto& in) {
    const auto longs = in[0].options().dtype(torch::kLong);
    // The columns have room for all four numbers.
    Tensor part = in[0].narrow(1, 1, 2);
    torch::arange_out(part, 0, 4, 1);
    return std::vector<Tensor>{in[0], torch::linspace(0, 1, 0, in[0].options()), torch::randperm(0, longs),
                               torch::randperm_out(as_out(torch::empty({0}, longs)), 5).sum()};
  }));
}

TEST_F(Outs, OfANumberThatIsLookedUp) {
  EXPECT_TRUE(computes_the_same({torch::arange(3.)}, [](const auto& in) {
    const auto bools = in[0].options().dtype(torch::kBool);
    return std::vector<Tensor>{torch::isin(2, in[0]), torch::isin_out(as_out(torch::empty({0}, bools)), 7, in[0])};
  }));
}

TEST_F(Outs, ThatLibTorchPassesOnHaveTheirSizeChangedOnTheWay) {
  EXPECT_TRUE(computes_the_same({torch::rand({3}), torch::rand({3, 4})}, [](const auto& in) {
    std::vector<Tensor> results;
    for (Tensor out : outs(in[0], {4})) results.push_back(torch::matmul_out(out, in[0], in[1]));
    return results;
  }));
}

TEST_F(Outs, OnTheCpuAreRefused) {
  if (!on_worker()) GTEST_SKIP() << "all is on the CPU";
  Tensor number = torch::full({}, 7.);
  const Tensor x = torch::ones({}).to(device());
  expect_refused("a CPU out", [&] { torch::add_out(number, x, 1); });
  expect_refused("a CPU tensor filled", [&] { number.fill_(x); });
  EXPECT_EQ(number.item<double>(), 7);
}

TEST_F(Outs, ThatAreInputsStayAsTheyAreWhereTheyAreRefused) {
  Tensor number = torch::ones({1}, torch::kLong).to(device());
  Tensor row = torch::arange(3).to(device());
  expect_refused("too small", [&] { torch::add_out(number, number, row); });
  expect_refused("integers", [&] { torch::mul_out(number, number, torch::ones({1}).to(device())); });
  EXPECT_TRUE(same(torch::ones({1}, torch::kLong), number));
  EXPECT_TRUE(same(torch::arange(3) + 1, torch::add_out(row, row, torch::ones({1}, torch::kLong).to(device()))));
}

TEST_F(Outs, InPlaceTriangularOfBatchesOutOfOrder) {
  // Wrong values and writes beyond the storage, where the worker did not know that input and out are one tensor.
  EXPECT_TRUE(computes_the_same({torch::rand({4, 3, 5, 5})}, [](const auto& in) {
    return std::vector<Tensor>{in[0].clone().transpose(0, 1).tril_(), in[0].clone().transpose(0, 1).triu_(1)};
  }));
}

TEST_F(Outs, InInferenceMode) {
  const Tensor x = torch::rand({3, 4}), y = x.to(device());
  const c10::InferenceMode mode;
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(same(torch::sin(x) + x, torch::sin(y) + y));
    EXPECT_TRUE(same(torch::add_out(as_out(torch::empty({7})), x, 1),
                     torch::add_out(as_out(torch::empty({7}, y.options())), y, 1)));
  }
}

}  // namespace
}  // namespace remote::test
