#include "same.h"

namespace remote::test {
namespace {

using Factories = Conformance;

TEST_F(Factories, FillTensorsWithWhatTheySay) {
  const auto there = torch::TensorOptions(device());
  EXPECT_TRUE(same(torch::zeros({2, 3}), torch::zeros({2, 3}, there)));
  EXPECT_TRUE(same(torch::ones({4}), torch::ones({4}, there)));
  EXPECT_TRUE(same(torch::full({2, 2}, 2.5), torch::full({2, 2}, 2.5, there)));
  EXPECT_TRUE(same(torch::full({2}, true, torch::kBool), torch::full({2}, true, there.dtype(torch::kBool))));
  EXPECT_TRUE(same(torch::eye(3, 4), torch::eye(3, 4, there)));
  EXPECT_TRUE(same(torch::arange(10), torch::arange(10, there)));
  EXPECT_TRUE(same(torch::arange(1, 2, 0.25), torch::arange(1, 2, 0.25, there)));
  EXPECT_TRUE(same(torch::linspace(-1, 1, 7), torch::linspace(-1, 1, 7, there)));
  EXPECT_TRUE(same(torch::logspace(0, 2, 5), torch::logspace(0, 2, 5, 10.0, there)));
  EXPECT_TRUE(same(torch::tril_indices(4, 3), torch::tril_indices(4, 3, 0, there.dtype(torch::kLong))));
  EXPECT_TRUE(same(torch::kaiser_window(9), torch::kaiser_window(9, there)));
  EXPECT_TRUE(same(torch::kaiser_window(9, false), torch::kaiser_window(9, false, there)));
  EXPECT_TRUE(same(torch::kaiser_window(9, true, 8.5, torch::kDouble),
                   torch::kaiser_window(9, true, 8.5, there.dtype(torch::kDouble))));
  EXPECT_TRUE(same(torch::scalar_tensor(7), torch::scalar_tensor(7, there)));
  EXPECT_TRUE(same(torch::tensor({1.f, 2.f}), torch::tensor({1.f, 2.f}, there)));
}

TEST_F(Factories, KeepTheDtypeThatWasAskedFor) {
  for (const auto dtype :
       {torch::kBool, torch::kByte, torch::kChar, torch::kShort, torch::kInt, torch::kLong, torch::kHalf,
        torch::kBFloat16, torch::kFloat, torch::kDouble, torch::kComplexFloat, torch::kComplexDouble}) {
    const auto ones = torch::ones({3}, torch::TensorOptions(device()).dtype(dtype));
    EXPECT_EQ(ones.scalar_type(), dtype);
    EXPECT_TRUE(same(torch::ones({3}, dtype), ones)) << dtype;
  }
}

TEST_F(Factories, TakeTheDeviceAndTheLayoutOfATensorThatTheyAreLike) {
  const auto like = torch::empty({2, 3, 4, 5}, torch::TensorOptions(device()), torch::MemoryFormat::ChannelsLast);
  for (const auto& made :
       {torch::zeros_like(like), torch::empty_like(like), torch::full_like(like, 3), torch::rand_like(like)}) {
    EXPECT_EQ(made.device(), device());
    EXPECT_EQ(made.strides(), like.strides());
  }
  EXPECT_EQ(like.new_zeros({7}).device(), device());
  EXPECT_TRUE(same(torch::zeros({2, 3, 4, 5}), torch::zeros_like(like)));
}

TEST_F(Factories, MakeTensorsWithoutElementsAndWithoutDimensions) {
  const auto there = torch::TensorOptions(device());
  EXPECT_EQ(torch::empty({0}, there).numel(), 0);
  EXPECT_EQ(torch::zeros({3, 0, 2}, there).sizes(), torch::IntArrayRef({3, 0, 2}));
  EXPECT_TRUE(same(torch::zeros({}), torch::zeros({}, there)));
}

TEST_F(Factories, ResizeAndSetChangeTheTensorThatTheyAreCalledOn) {
  EXPECT_TRUE(computes_the_same({torch::arange(6.f)}, [](const auto& in) {
    auto grown = in[0].clone();
    grown.resize_({2, 2});
    auto set = torch::empty({0}, in[0].options());
    set.set_(in[0].slice(0, 2, 5));
    return std::vector<torch::Tensor>{grown, set};
  }));
}

TEST_F(Factories, ATensorThatGrowsKeepsItsElements) {
  auto tensor = torch::arange(4.f).to(device());
  tensor.resize_({8}).slice(0, 4, 8).fill_(9);
  EXPECT_TRUE(same(torch::tensor({0.f, 1.f, 2.f, 3.f, 9.f, 9.f, 9.f, 9.f}), tensor));
}

TEST_F(Factories, AFreshEmptyTensorReadsAsZeros) {
  if (!on_worker()) GTEST_SKIP() << "what fresh memory of LibTorch's own CPU tensors holds is anybody's guess";
  EXPECT_TRUE(same(torch::zeros({1000}), torch::empty({1000}, torch::TensorOptions(device()))));
}

}  // namespace
}  // namespace remote::test
