#include <gmock/gmock.h>

#include "same.h"

namespace remote::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

/// Errors come at the op, or, where only the worker can see them, with the next value that is read.
class Errors : public Conformance {
 protected:
  torch::Tensor table_ = torch::arange(6.f).reshape({3, 2}).to(device());
  torch::Tensor bad_index_ = torch::tensor({0, 7}).to(device());
};

TEST_F(Errors, AShapeThatDoesNotFitIsRefusedAtOnceAndTheNextOpWorks) {
  const auto a = torch::ones({2, 3}).to(device()), b = torch::ones({4, 5}).to(device());
  EXPECT_THROW(a.mm(b), c10::Error);
  EXPECT_THROW(a + b, c10::Error);
  EXPECT_THROW(a.view({5}), c10::Error);
  EXPECT_THROW(torch::cat({a, b}), c10::Error);
  EXPECT_TRUE(same(torch::full({2, 2}, 3.f), a.mm(a.t())));
}

TEST_F(Errors, AnIndexOutOfRangeIsReportedWithTheNameOfItsOp) {
  const std::string message = message_of([&] { torch::embedding(table_, bad_index_).sum().item<float>(); });
  EXPECT_THAT(message, HasSubstr("out of range"));
  if (on_worker()) {
    EXPECT_THAT(message, AllOf(HasSubstr("aten::embedding"), HasSubstr("Float[3, 2]"), HasSubstr("Long[2]")));
  }
}

TEST_F(Errors, AreReportedOnceAndThenTheSessionWorks) {
  EXPECT_NE(message_of([&] { torch::embedding(table_, bad_index_); }), "no error");
  EXPECT_EQ(message_of([] {}), "no error");
  clear_errors();
  EXPECT_TRUE(same(torch::tensor({{2.f, 3.f}}), torch::embedding(table_, torch::tensor({1}).to(device()))));
}

TEST_F(Errors, WhatDependsOnAFailedOpTellsTheRootOfIt) {
  if (!on_worker()) GTEST_SKIP() << "the CPU throws at the op";
  const auto looked_up = torch::embedding(table_, bad_index_);
  EXPECT_THAT(message_of([&] { (looked_up * 2).relu().sum().item<float>(); }), HasSubstr("aten::embedding"));
  const auto later = (looked_up * 2).relu().sum();  // recorded after the report
  EXPECT_THAT(message_of([&] { later.item<float>(); }), HasSubstr("aten::embedding"));
  EXPECT_THAT(message_of([&] { looked_up.cpu(); }), HasSubstr("aten::embedding")) << "each read of it says so";
  EXPECT_TRUE(same(torch::arange(6.f).reshape({3, 2}), table_)) << "a healthy tensor can be read";
}

TEST_F(Errors, ATensorThatAFailedOpWouldHaveChangedKeepsItsValueAndIsUsableOnceErrorsAreCleared) {
  if (!on_worker()) GTEST_SKIP() << "the CPU throws at the op";
  auto parameter = torch::ones({2, 2}).to(device());
  const auto gradient = torch::embedding(table_, bad_index_);
  EXPECT_NE(message_of([] {}), "no error");
  parameter.sub_(gradient, 0.1);
  EXPECT_THAT(message_of([&] { parameter.cpu(); }), HasSubstr("aten::embedding"));
  clear_errors();
  EXPECT_TRUE(same(torch::ones({2, 2}), parameter));
  parameter.add_(1);
  EXPECT_TRUE(same(torch::full({2, 2}, 2.f), parameter));
}

TEST_F(Errors, AProgramThatCatchesTheExceptionOfABadBatchGoesOn) {
  for (int repeat = 0; repeat < 10; ++repeat) {
    const auto weight = torch::ones({4, 2}).to(device()).requires_grad_();
    torch::optim::SGD optimizer({weight}, 0.1);
    int good = 0, bad = 0;
    for (int batch = 0; batch < 6; ++batch) {
      try {
        optimizer.zero_grad();
        const auto loss = torch::embedding(weight, torch::tensor({batch == 2 ? 9 : 1, 2}).to(device())).pow(2).sum();
        loss.backward();
        optimizer.step();
        loss.item<float>();
        ++good;
      } catch (const c10::IndexError&) {
        ++bad;
      }
    }
    EXPECT_EQ(std::pair(good, bad), std::pair(5, 1)) << "repeat " << repeat;
    const auto expected = torch::tensor({1.f, 0.32768f, 0.32768f, 1.f});  // 0.8 to the power of the good batches
    EXPECT_TRUE(torch::allclose(expected, weight.detach().select(1, 0).cpu()));
  }
}

TEST_F(Errors, OverwritingATensorAsAWholeHealsIt) {
  if (!on_worker()) GTEST_SKIP() << "the CPU throws at the op";
  auto looked_up = torch::embedding(table_, bad_index_);
  EXPECT_NE(message_of([] {}), "no error");
  looked_up.copy_(torch::ones({2, 2}));
  EXPECT_TRUE(same(torch::ones({2, 2}), looked_up));
}

TEST_F(Errors, ATensorLargerThanAnyMemoryIsRefusedAtTheCallAndCostsNothing) {
  for (const int shift : {45, 50, 59}) {
    EXPECT_THROW(torch::zeros({int64_t{1} << shift}, torch::TensorOptions(device())), c10::Error) << shift;
    EXPECT_THROW(torch::ones({2}).to(device()).resize_({int64_t{1} << shift}), c10::Error) << shift;
  }
  EXPECT_TRUE(same(torch::arange(6.f).reshape({3, 2}), table_));
}

TEST_F(Errors, SizesThatNoRecordCanSayAreRefusedAtTheCallAndCostNothing) {
  if (!on_worker()) GTEST_SKIP() << "LibTorch's CPU has other limits";
  const std::vector<int64_t> ranks(129, 1), more(300, 1);
  EXPECT_THAT(message_of([&] { torch::zeros(ranks, torch::TensorOptions(device())); }), HasSubstr("129 dimensions"));
  EXPECT_THAT(message_of([&] { torch::zeros({1}).to(device()).reshape(more).add(1); }), HasSubstr("300 dimensions"));
  const auto wide = torch::zeros({1}).to(device()).expand(int64_t{1} << 47);
  const auto index = torch::tensor({0}).to(device());
  EXPECT_THAT(message_of([&] { wide.index_select(0, index); }), HasSubstr("elements"));
  EXPECT_THAT(message_of([&] { wide.index({index}); }), HasSubstr("elements"));
  EXPECT_THAT(message_of([&] { fetch(wide.slice(0, 0, int64_t{1} << 45)); }), HasSubstr("elements"));
  EXPECT_TRUE(same(torch::arange(6.f).reshape({3, 2}), table_));
}

TEST_F(Errors, LabelsOutsideTheClassesAreReported) {
  const auto logits = torch::randn({2, 3}).to(device()), labels = torch::tensor({0, 3}).to(device());
  EXPECT_THAT(message_of([&] { torch::nn::functional::cross_entropy(logits, labels).item<float>(); }),
              HasSubstr("out of bounds"));
}

TEST_F(Errors, AreOfLibTorchsOwnTypeWhereItHasOne) {
  const auto out_of_range = [&] { torch::embedding(table_, bad_index_).cpu(); };
  EXPECT_THROW(out_of_range(), c10::IndexError);
  if (on_worker()) {
    EXPECT_THROW(out_of_range(), remote::Error);
  }
  const auto none = torch::full({3, 3}, std::nanf("")).to(device());
  EXPECT_THROW(std::get<0>(torch::linalg_svd(none)).cpu(), c10::LinAlgError);
  clear_errors();
}

TEST_F(Errors, AnOpOfABackwardPassNamesTheForwardOpAndItsScope) {
  if (!on_worker()) GTEST_SKIP() << "the CPU throws at the op";
  const auto weight = torch::ones({3, 2}).to(device()).requires_grad_();
  const auto index = torch::tensor({0, 1}).to(device());
  torch::Tensor picked;
  {
    const NameScope scope("net.table");
    picked = weight.index_select(0, index);
  }
  const NameScope loss_scope("loss");
  const auto loss = picked.sum();
  index.data().fill_(7);
  EXPECT_THAT(
      message_of([&] { loss.backward(); }),
      AllOf(HasSubstr("aten::index_add"), HasSubstr("in net.table, backward pass of index_select (IndexSelect")));
  clear_errors();
}

TEST_F(Errors, ABackwardPassOfOnesOwnIsNamedAfterItsFunction) {
  if (!on_worker()) GTEST_SKIP() << "the CPU throws at the op";
  struct Table : torch::autograd::Function<Table> {
    static torch::Tensor forward(torch::autograd::AutogradContext*, const torch::Tensor& x) { return x.clone(); }
    static torch::autograd::variable_list backward(torch::autograd::AutogradContext*,
                                                   const torch::autograd::variable_list& gradients) {
      return {torch::embedding(gradients[0], torch::tensor({0, 7, 1}).to(gradients[0].device()))};
    }
  };
  const auto x = torch::ones({3, 2}).to(device()).requires_grad_();
  EXPECT_THAT(message_of([&] { Table::apply(x).sum().backward(); }), HasSubstr("in backward pass of Table"));
  clear_errors();
}

TEST_F(Errors, AWarningOfAnOpReachesTheProgram) {
  struct Collect final : c10::WarningHandler {
    void process(const c10::Warning& warning) override { texts.push_back(warning.msg()); }
    std::vector<std::string> texts;
  } collect;
  const auto one = torch::ones({1}).to(device());
  {
    const c10::WarningUtils::WarningHandlerGuard here(&collect);
    one.std().cpu();
    one.cpu();
  }
  ASSERT_THAT(collect.texts, testing::ElementsAre(HasSubstr("degrees of freedom is <= 0")));
  if (on_worker()) {
    EXPECT_THAT(collect.texts[0], HasSubstr("aten::std"));
  }
}

TEST_F(Errors, ReadingTheMemoryOfARemoteTensorThrows) {
  if (!on_worker()) GTEST_SKIP() << "a CPU tensor's memory can be read";
  const auto x = torch::ones({3}).to(device());
  EXPECT_THROW(x.data_ptr<float>(), c10::Error);
  EXPECT_THROW(x.const_data_ptr<float>(), c10::Error);
  // LibTorch's TensorIterator asks every operand for this one, so it can't throw.
  EXPECT_EQ(x.data_ptr(), nullptr);
  EXPECT_THROW((x.accessor<float, 1>()), c10::Error);
  EXPECT_THROW(x.mutable_data_ptr<float>(), c10::Error);
  EXPECT_THROW(x.slice(0, 1).data_ptr<float>(), c10::Error);
  EXPECT_THROW(x.nonzero().data_ptr<int64_t>(), c10::Error) << "the worker told its size";
  EXPECT_THROW(torch::empty({0}, torch::TensorOptions(device())).set_().resize_({3}).data_ptr<float>(), c10::Error);
  EXPECT_TRUE(same(torch::ones({3}), x)) << "the tensor stays usable";
}

}  // namespace
}  // namespace remote::test
