#include <gmock/gmock.h>

#include "same.h"

namespace remote::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

/// Tensors on remote:0 and remote:1 in one program.
class TwoDevices : public Conformance {
 protected:
  void SetUp() override {
    if (!on_worker()) GTEST_SKIP() << "there is only one device";
    Conformance::SetUp();
  }

  torch::Tensor one_ = torch::arange(4.f).reshape({2, 2}).to(device());
  torch::Tensor two_ = torch::arange(4.f).reshape({2, 2}).to(other_device());
};

TEST_F(TwoDevices, AnOpOnTensorsOfBothIsRefusedNamingBothAndWhatToDo) {
  const auto index = torch::tensor({1, 0}).to(other_device());
  auto target = torch::zeros({2, 2}, torch::TensorOptions(device()));
  const std::vector<std::function<void()>> attempts = {
      [&] { one_.mm(two_); },
      [&] { two_.mm(one_); },
      [&] { torch::addmm(one_, one_, two_); },
      [&] {
        torch::cat({one_, two_});
      },
      [&] {
        torch::stack({one_, two_});
      },
      [&] { torch::nn::functional::linear(one_, two_); },
      [&] { one_.index_put_({index}, one_); },
      [&] { one_.gather(1, two_.to(torch::kLong)); },
      [&] { one_.masked_fill(two_ > 1, 0); },
      [&] { torch::embedding(one_, index); },
      [&] { torch::mm_out(target, one_, two_); },
      [&] { at::_foreach_add({one_}, {two_}); },
      [&] { torch::layer_norm(one_, {2}, two_[0]); },
      [&] { torch::conv1d(one_.unsqueeze(0), two_.unsqueeze(0)); },
      [&] { torch::softmax(one_, 1).matmul(two_); },
      [&] { torch::equal(one_, two_); },
      [&] { torch::where(one_ > 0, one_, two_); },
      [&] { one_ + two_; },
      [&] { one_.add_(two_[0][0]); },
      [&] { torch::maximum(one_, two_); },
      [&] { torch::lerp(one_, two_, 0.5); },
      [&] { one_.copy_(one_ + two_); },
      [&] { torch::linalg_solve(one_, two_); },
  };
  for (size_t i = 0; i < attempts.size(); ++i) {
    EXPECT_THAT(message_of(attempts[i]), AllOf(HasSubstr("remote:0"), HasSubstr("remote:1"))) << "attempt " << i;
  }
  EXPECT_THAT(message_of([&] { one_.index({index}); }), HasSubstr("same device as the indexed tensor (remote:0)"));
  EXPECT_THAT(message_of(attempts[0]), AllOf(HasSubstr("aten::mm"), HasSubstr(".to(\"remote:0\")")));
  EXPECT_TRUE(same(torch::arange(4.f).reshape({2, 2}), one_));
  EXPECT_TRUE(same(torch::arange(4.f).reshape({2, 2}), two_));
  EXPECT_TRUE(same(torch::zeros({2, 2}), target));
}

TEST_F(TwoDevices, AnOpOnTensorsOfOneAndTheCpuIsRefusedAndSaysSo) {
  const auto here = torch::ones({2, 2});
  for (const auto& attempt : std::vector<std::function<void()>>{
           [&] { here.mm(one_); }, [&] { one_.mm(here); }, [&] { one_ + here; }, [&] { torch::cat({one_, here}); },
           [&] { one_.add_(here); }, [&] { torch::nn::functional::linear(one_, here); },
           [&] { torch::equal(one_, here); }}) {
    EXPECT_THAT(message_of(attempt), AllOf(HasSubstr("remote:0"), HasSubstr("cpu")));
  }
  EXPECT_TRUE(same(torch::full({2, 2}, 2.f), (one_ * 0 + 1).mm(one_ * 0 + 1)));
}

TEST_F(TwoDevices, TensorsAreCopiedBetweenThem) {
  EXPECT_EQ(one_.to(other_device()).device(), other_device());
  EXPECT_TRUE(same(one_.cpu(), one_.to(other_device())));
  EXPECT_TRUE(same(one_.cpu().t().to(torch::kLong), one_.t().to(other_device(), torch::kLong)));
  two_.select(0, 1).copy_(one_.select(1, 1));
  EXPECT_TRUE(same(torch::tensor({{0.f, 1.f}, {1.f, 3.f}}), two_));
  two_.copy_(one_[0]);
  EXPECT_TRUE(same(torch::tensor({{0.f, 1.f}, {0.f, 1.f}}), two_)) << "broadcast";
}

TEST_F(TwoDevices, GradientsFlowBetweenThem) {
  const auto gradients = [](torch::Device first, torch::Device second) {
    const auto a = torch::linspace(-1, 1, 6).reshape({2, 3}).to(first).requires_grad_();
    const auto b = torch::linspace(0, 2, 12).reshape({3, 4}).to(second).requires_grad_();
    const auto hidden = (a * 2).tanh();
    const auto there = hidden.to(second).mm(b);
    (there.to(first) * 3).pow(2).sum().add(hidden.sum()).backward();
    EXPECT_EQ(a.grad().device(), first);
    EXPECT_EQ(b.grad().device(), second);
    return std::vector<torch::Tensor>{a.grad().cpu(), b.grad().cpu()};
  };
  const auto expected = gradients(torch::kCPU, torch::kCPU), actual = gradients(device(), other_device());
  for (size_t i = 0; i < expected.size(); ++i) EXPECT_TRUE(same(expected[i], actual[i]));
}

TEST_F(TwoDevices, TheCurrentDeviceIsWhereTensorsWithoutIndexAreBorn) {
  const torch::TensorOptions remote(torch::Device("remote"));
  EXPECT_EQ(torch::ones({2}, remote).device(), device());
  {
    const c10::DeviceGuard guard(other_device());
    EXPECT_EQ(torch::ones({2}, remote).device(), other_device());
    EXPECT_EQ((one_ * 2).device(), device()) << "an op runs where its tensors are";
    EXPECT_EQ(torch::rand_like(one_).device(), device());
  }
  EXPECT_EQ(torch::ones({2}, remote).device(), device());
}

TEST_F(TwoDevices, AModelHasLayersOnBoth) {
  torch::nn::Linear first(4, 8), second(8, 2);
  const auto x = torch::randn({5, 4});
  const auto step = [&](torch::Device a, torch::Device b) {
    const auto one = std::dynamic_pointer_cast<torch::nn::LinearImpl>(first->clone(a));
    const auto two = std::dynamic_pointer_cast<torch::nn::LinearImpl>(second->clone(b));
    torch::optim::SGD optimizer({one->weight, one->bias, two->weight, two->bias}, 0.1);
    two->forward(one->forward(x.to(a)).relu().to(b)).pow(2).mean().backward();
    optimizer.step();
    return std::vector<torch::Tensor>{one->weight.cpu(), one->bias.cpu(), two->weight.cpu(), two->bias.cpu()};
  };
  const auto expected = step(torch::kCPU, torch::kCPU), actual = step(device(), other_device());
  for (size_t i = 0; i < expected.size(); ++i) EXPECT_TRUE(same(expected[i], actual[i]));
}

TEST_F(TwoDevices, AnErrorOfOneIsNoneOfTheOther) {
  const auto bad = torch::tensor({7}).to(device());
  const auto failed = torch::embedding(one_, bad);
  EXPECT_TRUE(same(torch::full({2, 2}, 2.f), two_ * 0 + 2));
  EXPECT_NO_THROW(synchronize(other_device()));
  EXPECT_THAT(message_of([&] { failed.cpu(); }), HasSubstr("out of range"));
  clear_errors();
}

TEST_F(TwoDevices, ErrorsOfBothAreTold) {
  const auto fail_on = [](torch::Device where) {
    torch::embedding(torch::ones({2, 2}).to(where), torch::tensor({7}).to(where));
  };
  const std::string said = message_of([&] { fail_on(device()), fail_on(other_device()); });
  EXPECT_THAT(said, HasSubstr("; and "));
  EXPECT_NO_THROW(synchronize());
  clear_errors();
}

}  // namespace
}  // namespace remote::test
