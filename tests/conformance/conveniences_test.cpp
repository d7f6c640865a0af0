#include <regex>
#include <sstream>

#include "dtypes.h"
#include "same.h"

namespace remote::test {
namespace {

/// What LibTorch's programs do with tensors besides computing.
using Conveniences = Conformance;

std::string printed(const torch::Tensor& tensor) {
  std::ostringstream text;
  text << tensor;
  return std::regex_replace(text.str(), std::regex("\\[ remote"), "[ CPU");
}

TEST_F(Conveniences, PrintingShowsWhatTheCpuShows) {
  for (const auto& tensor :
       {torch::tensor({1.5f, -2.f}), torch::arange(12.).reshape({3, 4}), torch::full({}, 7), torch::empty({0, 3}),
        torch::tensor({true, false}), torch::rand({2, 3, 4}), torch::randn({3, 3}).to(torch::kBFloat16),
        torch::arange(100).reshape({4, 25}),
        torch::tensor({std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}),
        torch::arange(6.f).reshape({2, 3}).t(), torch::Tensor()}) {
    EXPECT_EQ(printed(tensor), printed(tensor.defined() ? tensor.to(device()) : tensor));
  }
  std::ostringstream options;
  options << torch::zeros({1}, device()).options();
  EXPECT_NE(options.str().find(device().str()), std::string::npos) << options.str();
}

TEST_F(Conveniences, ItemGivesTheNumberOfEveryDtype) {
  for (const auto dtype : kAllDtypes) {
    const auto number = torch::tensor(1.5).to(dtype);
    const auto here = number.item(), there = number.to(device()).item();
    EXPECT_EQ(here.type(), there.type()) << dtype;
    EXPECT_EQ(here.toComplexDouble(), there.toComplexDouble()) << dtype;
  }
  const auto x = torch::tensor({{1.f, 2.f}, {3.f, 4.f}}).to(device());
  EXPECT_EQ(x[1][0].item<int>(), 3);
  EXPECT_EQ(x.sum().item<double>(), 10);
  EXPECT_EQ((torch::complex(x, x))[0][1].conj().item<c10::complex<float>>(), c10::complex<float>(2, -2));
  EXPECT_EQ(torch::full({}, std::numeric_limits<int64_t>::max(), x.options().dtype(torch::kLong)).item<int64_t>(),
            std::numeric_limits<int64_t>::max());
  EXPECT_THROW(x.item<float>(), c10::Error) << "four numbers";
  EXPECT_TRUE(x[0][0].is_nonzero());
  EXPECT_TRUE(x.max().equal(x[1][1]));
}

TEST_F(Conveniences, TensorsCompare) {
  EXPECT_TRUE(computes_the_same({torch::tensor({1.f, 2.f, 3.f}), torch::tensor({3.f, 2.f, 1.f})}, [](const auto& in) {
    const auto &a = in[0], &b = in[1];
    return std::vector<torch::Tensor>{a == b,
                                      a != b,
                                      a<b, a <= b, a>
                                          b,
                                      a >= b,
                                      a == 2,
                                      a != 2,
                                      a < 2,
                                      a >= 2,
                                      2 < b,
                                      ~(a == b),
                                      (a == b) & (a > 1),
                                      torch::isclose(a, b, 0, 1.5)};
  }));
  const auto x = torch::tensor({1.f, std::numeric_limits<float>::quiet_NaN()}).to(device()), near = x + 1e-9;
  EXPECT_FALSE(torch::allclose(x, near));
  EXPECT_TRUE(torch::allclose(x, near, 1e-5, 1e-8, /*equal_nan=*/true));
  EXPECT_TRUE(x[0].allclose(near[0]));
  EXPECT_TRUE(torch::equal(x[0], x[0].clone()));
  EXPECT_FALSE(torch::equal(x[0], x[0] + 1));
  EXPECT_FALSE(torch::equal(x, x.unsqueeze(0)));
  EXPECT_TRUE(x.is_same(x));
  EXPECT_FALSE(x.is_same(x.clone()));
}

TEST_F(Conveniences, TensorsTellWhatTheyAre) {
  const auto x = torch::zeros({2, 3}, torch::TensorOptions(device()).dtype(torch::kHalf));
  EXPECT_EQ(x.device(), device());
  EXPECT_EQ(x.get_device(), on_worker() ? 0 : -1);
  EXPECT_EQ(x.nbytes(), 12u);
  EXPECT_EQ(x.is_privateuseone(), on_worker());
  EXPECT_EQ(x.toString(), on_worker() ? "remoteHalfType" : "CPUHalfType");
  EXPECT_EQ(x.storage().nbytes(), 12u);
  EXPECT_EQ(x.storage().device(), device());
  EXPECT_FALSE(x.is_pinned());
  EXPECT_TRUE(x.is_contiguous());
  EXPECT_EQ(torch::zeros({1}).to(x.options()).scalar_type(), torch::kHalf);
  EXPECT_EQ(torch::zeros({1}).to(x).device(), device());
  EXPECT_EQ(torch::zeros({1}).type_as(x).device(), device());
}

TEST_F(Conveniences, ResizingKeepsTheElementsThatFit) {
  EXPECT_TRUE(computes_the_same({torch::arange(6.f), torch::zeros({2, 2})}, [](const auto& in) {
    auto shrunk = in[0].clone().resize_({2, 2}), grown = in[0].clone().resize_({12}).slice(0, 0, 6),
         like = in[0].clone();
    like.resize_as_(in[1]);
    auto kept = in[0].clone().resize_({1}).resize_({6});
    auto channels_last = torch::empty({0}, in[0].options());
    channels_last.resize_({1, 2, 2, 2}, torch::MemoryFormat::ChannelsLast)
        .copy_(torch::arange(8.f, in[0].options()).view({1, 2, 2, 2}));
    auto out = torch::empty({0}, in[0].options());
    torch::add_out(out, in[0], in[0]);
    return std::vector<torch::Tensor>{shrunk, grown, like, kept, channels_last, out};
  }));
}

TEST_F(Conveniences, TensorsShareStorages) {
  const auto base = torch::arange(6.f).to(device());
  auto alias = torch::empty({0}, base.options());
  alias.set_(base.storage(), 1, {2, 2}, {2, 1});
  EXPECT_TRUE(alias.is_alias_of(base));
  alias.mul_(10);
  EXPECT_TRUE(same(torch::tensor({0.f, 10.f, 20.f, 30.f, 40.f, 5.f}), base));

  auto whole = torch::empty({0}, base.options());
  whole.set_(base.storage());
  EXPECT_EQ(whole.sizes(), torch::IntArrayRef({6}));
  EXPECT_TRUE(whole.is_set_to(base));
  whole.zero_();
  EXPECT_EQ(base.sum().item<float>(), 0);

  auto other = torch::ones({3}, base.options());
  other.set_(base);
  EXPECT_TRUE(other.is_set_to(base));
  other.set_();
  EXPECT_EQ(other.numel(), 0);
  EXPECT_EQ(other.device(), device());

  const auto storage = base.storage();
  EXPECT_TRUE(storage.is_alias_of(base.view({2, 3}).storage()));
  const auto through_impl = base.unsafeGetTensorImpl()->shallow_copy_and_detach(0, false);
  torch::Tensor(through_impl).fill_(2);
  EXPECT_EQ(base.sum().item<float>(), 12);
}

TEST_F(Conveniences, SetDataPutsOneTensorInThePlaceOfAnother) {
  auto parameter = torch::ones({2, 2}).requires_grad_();
  const auto* impl = parameter.unsafeGetTensorImpl();
  parameter.set_data(torch::full({3}, 2.f).to(device()));
  EXPECT_EQ(parameter.device(), device());
  EXPECT_EQ(parameter.unsafeGetTensorImpl(), impl);
  (parameter * 3).sum().backward();
  EXPECT_TRUE(same(torch::full({3}, 3.f), parameter.grad()));
  parameter.mutable_grad().reset();
  parameter.set_data(parameter.to(torch::kDouble));
  EXPECT_EQ(parameter.scalar_type(), torch::kDouble);
  parameter.set_data(parameter.cpu());
  EXPECT_TRUE(parameter.is_cpu());
  EXPECT_TRUE(same(torch::full({3}, 2., torch::kDouble), parameter));

  auto x = torch::ones({2}).to(device()).requires_grad_();
  x.data().fill_(5);
  x.variable_data().add_(1);
  EXPECT_TRUE(same(torch::full({2}, 6.f), x)) << "both share its storage";
  x.mutable_grad() = torch::ones({2}).to(device());
  EXPECT_EQ(x.grad().device(), device());
}

TEST_F(Conveniences, GradientsAreClippedByValueAndByNormsOfAllKinds) {
  const auto clipped = [](torch::Device where) {
    std::vector<torch::Tensor> results;
    for (const double norm : {1.0, 2.0, std::numeric_limits<double>::infinity()}) {
      auto x = torch::arange(-3.f, 3.f).to(where).requires_grad_(), y = torch::ones({2, 2}).to(where).requires_grad_();
      (x.pow(3).sum() + (y * 5).sum()).backward();
      results.push_back(torch::tensor(torch::nn::utils::clip_grad_norm_({x, y}, 1.0, norm)));
      torch::nn::utils::clip_grad_value_({x, y}, 0.2);
      results.push_back(x.grad().cpu());
      results.push_back(y.grad().cpu());
    }
    return results;
  };
  const auto here = clipped(torch::kCPU), there = clipped(device());
  for (size_t i = 0; i < here.size(); ++i) EXPECT_TRUE(same(here[i], there[i])) << i;
}

TEST_F(Conveniences, ModulesMoveBetweenDevicesAndDtypes) {
  torch::nn::Sequential network(torch::nn::Linear(3, 4), torch::nn::BatchNorm1d(4), torch::nn::PReLU());
  const auto before = torch::nn::utils::parameters_to_vector(network->parameters());
  network->to(device(), torch::kDouble, /*non_blocking=*/true);
  for (const auto& buffer : network->named_buffers()) {
    EXPECT_EQ(buffer->device(), device()) << buffer.key();
    EXPECT_EQ(buffer->scalar_type(), torch::kDouble) << buffer.key();
  }
  network->forward(torch::randn({4, 3}, torch::TensorOptions(device()).dtype(torch::kDouble))).sum().backward();
  network->zero_grad();
  network->to(torch::kFloat);
  EXPECT_EQ(network->parameters()[0].device(), device());
  network->to(torch::kCPU);
  EXPECT_TRUE(torch::equal(before, torch::nn::utils::parameters_to_vector(network->parameters())));
  network->to(other_device());
  EXPECT_EQ(network->parameters()[0].device(), other_device());
}

}  // namespace
}  // namespace remote::test
