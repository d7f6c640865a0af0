#include "dtypes.h"
#include "same.h"

namespace remote::test {
namespace {

using Copies = Conformance;

torch::Tensor numbers(torch::ScalarType dtype) { return torch::arange(24).sub(5).reshape({2, 3, 4}).to(dtype); }

TEST_F(Copies, GoThereAndBackInEveryDtype) {
  for (const auto dtype : kAllDtypes) EXPECT_TRUE(same(numbers(dtype), numbers(dtype).to(device()))) << dtype;
}

TEST_F(Copies, ConvertBetweenAllDtypesWhereverTheyGo) {
  for (const auto from : kAllDtypes) {
    for (const auto to : kAllDtypes) {
      if (c10::isComplexType(from) && !c10::isComplexType(to)) continue;
      const auto expected = numbers(from).to(to);
      const auto there = numbers(from).to(device());
      EXPECT_TRUE(same(expected, there.to(to))) << "there, " << from << " to " << to;
      if (from != torch::kFloat && to != torch::kFloat) continue;  // converted by the same code of LibTorch's CPU
      EXPECT_TRUE(same(expected, numbers(from).to(device(), to))) << "up, " << from << " to " << to;
      EXPECT_TRUE(same(expected, there.to(torch::kCPU, to))) << "down, " << from << " to " << to;
    }
  }
}

TEST_F(Copies, ReadAndWriteStridedViews) {
  const auto cpu = numbers(torch::kFloat);
  EXPECT_TRUE(same(cpu.transpose(0, 2), cpu.transpose(0, 2).to(device())));
  EXPECT_TRUE(same(cpu.slice(2, 0, 4, 2), cpu.to(device()).slice(2, 0, 4, 2)));
  EXPECT_TRUE(same(cpu.permute({1, 2, 0}).contiguous(), cpu.to(device()).permute({1, 2, 0}).contiguous()));

  auto target = torch::zeros({4, 6}, torch::TensorOptions(device())), expected = torch::zeros({4, 6});
  for (auto* tensor : {&target, &expected}) {
    tensor->slice(1, 0, 6, 2).copy_(torch::arange(12.f).reshape({4, 3}));   // from the CPU, with gaps
    tensor->t().select(0, 1).copy_(torch::full({4}, 7.).to(tensor->device()));
  }
  EXPECT_TRUE(same(expected, target));
}

TEST_F(Copies, BroadcastFromBothSides) {
  const auto row = torch::arange(4.f);
  auto up = torch::zeros({3, 4}, torch::TensorOptions(device()));
  up.copy_(row);
  EXPECT_TRUE(same(row.expand({3, 4}), up));
  auto there = torch::zeros({3, 4}, torch::TensorOptions(device()));
  there.copy_(row.to(device()));
  EXPECT_TRUE(same(row.expand({3, 4}), there));
  auto down = torch::zeros({3, 4});
  down.copy_(row.to(device()));
  EXPECT_TRUE(same(row.expand({3, 4}), down));
  EXPECT_TRUE(same(row.expand({3, 4}), row.expand({3, 4}).to(device())));
}

TEST_F(Copies, CarryNothingAndOneNumber) {
  EXPECT_TRUE(same(torch::zeros({0, 5}), torch::zeros({0, 5}).to(device())));
  EXPECT_TRUE(same(torch::tensor(2.5), torch::tensor(2.5).to(device())));
  auto down = torch::zeros({0});
  down.copy_(torch::zeros({0}, torch::TensorOptions(device())));
  EXPECT_EQ(torch::tensor(2.5).to(device()).item<double>(), 2.5);
  EXPECT_EQ(torch::tensor(int64_t{1} << 40).to(device()).item<int64_t>(), int64_t{1} << 40);
}

TEST_F(Copies, KeepChannelsLast) {
  const auto cpu = torch::rand({2, 3, 4, 5}).contiguous(torch::MemoryFormat::ChannelsLast);
  const auto there = cpu.to(device());
  EXPECT_EQ(there.strides(), cpu.strides());
  EXPECT_TRUE(same(cpu, there));
  const auto back = there.cpu();
  EXPECT_EQ(back.strides(), cpu.strides());
  EXPECT_TRUE(same(cpu.contiguous(), there.contiguous()));
  EXPECT_TRUE(same(cpu, there.contiguous().contiguous(torch::MemoryFormat::ChannelsLast)));
}

TEST_F(Copies, ResolveConjugateAndNegativeViews) {
  const auto cpu = torch::complex(torch::arange(6.f), torch::arange(6.f).neg()).reshape({2, 3});
  EXPECT_TRUE(same(cpu.conj(), cpu.conj().to(device())));
  EXPECT_TRUE(same(cpu.conj(), cpu.to(device()).conj()));
  EXPECT_TRUE(same(torch::imag(cpu.conj()), torch::imag(cpu.to(device()).conj())));
  EXPECT_TRUE(same(cpu.conj() * 2, cpu.to(device()).conj() * 2));
  EXPECT_TRUE(same(at::_neg_view(cpu), at::_neg_view(cpu.to(device()))));
  EXPECT_TRUE(same(at::_neg_view(cpu.conj()), at::_neg_view(cpu.to(device()).conj()).clone()));
  auto target = torch::zeros({2, 3}, torch::TensorOptions(device()).dtype(torch::kComplexFloat));
  target.conj().copy_(cpu);
  EXPECT_TRUE(same(cpu.conj(), target));
  auto down = torch::zeros({2, 3}, torch::kComplexFloat);
  down.conj().copy_(cpu.to(device()));
  EXPECT_TRUE(same(cpu.conj(), down));
}

TEST_F(Copies, OfOverlappingRangesOfOneStorageDoNotDisturbEachOther) {
  EXPECT_TRUE(computes_the_same({torch::arange(8.f)}, [](const auto& in) {
    in[0].slice(0, 2, 8).copy_(in[0].slice(0, 0, 6).clone());
    return std::vector<torch::Tensor>{in[0]};
  }));
}

TEST_F(Copies, TakeTheSourceAsItIsWhenTheyAreCalled) {
  for (const int64_t elements : {int64_t{1}, int64_t{3000}, int64_t{5} << 20}) {
    auto source = torch::full({elements}, 1.f);
    const auto there = source.to(device(), torch::kFloat, /*non_blocking=*/true, /*copy=*/true);
    source.fill_(2.f);
    EXPECT_TRUE(there.eq(1).all().item<bool>()) << elements << " elements";
  }
}

TEST_F(Copies, OfTensorsLargerThanOneTransferArriveWhole) {
  const auto cpu = torch::arange(int64_t{6} << 20).to(torch::kInt);
  EXPECT_TRUE(torch::equal(cpu.to(device()).cpu(), cpu));
}

}  // namespace
}  // namespace remote::test
