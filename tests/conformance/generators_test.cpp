#include <gmock/gmock.h>

#include <ATen/CPUGeneratorImpl.h>

#include <thread>

#include "draws.h"
#include "same.h"

namespace remote::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using Generators = Draws;

at::Generator default_of(torch::Device where) {
  return at::globalContext().defaultGenerator(where);
}

TEST_F(Generators, OfOnesOwnDrawApartFromTheDefaultOne) {
  const auto draw = [](torch::Device where) {
    torch::manual_seed(7);
    auto own = own_generator(where);
    const auto o = torch::TensorOptions(where);
    const auto first = torch::empty({5}, o).uniform_(0, 1, own);
    const auto from_default = torch::rand({5}, o);
    return torch::stack({first, from_default, torch::empty({5}, o).normal_(0, 1, own)});
  };
  EXPECT_TRUE(same(draw(torch::kCPU), draw(device())));
}

TEST_F(Generators, MayBeUsedFirstByManyThreads) {
  for (int round = 0; round < 20; ++round) {
    const auto own = own_generator(device());
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([own] { torch::empty({3}, torch::TensorOptions(device())).uniform_(0, 1, own); });
    }
    for (std::thread& thread : threads) thread.join();
  }
  EXPECT_EQ(message_of([] {}), "no error");
}

TEST_F(Generators, AreTakenByEveryOpThatHasAnArgumentForOne) {
  const auto draw_with = [](torch::Device where) {
    auto own = own_generator(where);
    const auto o = torch::TensorOptions(where);
    const auto x = torch::linspace(0.1, 0.9, 20, o);
    const auto empty = [&] { return torch::empty({20}, o); };
    return std::vector<torch::Tensor>{torch::rand({20}, own, o),
                                      torch::randn({20}, own, o),
                                      torch::randint(1000, {20}, own, o),
                                      torch::randperm(20, own, o.dtype(torch::kLong)),
                                      torch::normal(1, 2, {20}, own, o),
                                      at::normal(x, x, own),
                                      torch::bernoulli(x, own),
                                      torch::multinomial(x, 5, false, own),
                                      torch::poisson(x, own),
                                      torch::binomial(x * 0 + 9, x, own),
                                      at::_standard_gamma(x, own),
                                      torch::rrelu(-x, 0.1, 0.3, true, own),
                                      empty().uniform_(0, 1, own),
                                      empty().normal_(0, 1, own),
                                      empty().bernoulli_(0.5, own),
                                      empty().bernoulli_(x, own),
                                      empty().random_(own),
                                      empty().random_(10, own),
                                      empty().random_(-5, 5, own),
                                      empty().exponential_(1, own),
                                      empty().geometric_(0.5, own),
                                      empty().cauchy_(0, 1, own),
                                      empty().log_normal_(1, 2, own)};
  };
  torch::manual_seed(8);
  const auto untouched = torch::rand({4}, torch::TensorOptions(device()));
  torch::manual_seed(8);
  const auto expected = draw_with(torch::kCPU), actual = draw_with(device());
  for (size_t i = 0; i < expected.size(); ++i) EXPECT_TRUE(same(expected[i], actual[i])) << "draw " << i;
  torch::manual_seed(8);
  draw_with(device());
  EXPECT_TRUE(same(untouched.cpu(), torch::rand({4}, torch::TensorOptions(device()))))
      << "the default generator has moved";
}

TEST_F(Generators, GiveTheirStateAndTakeItBack) {
  auto generator = default_of(device());
  const auto o = torch::TensorOptions(device());
  torch::rand({3}, o);
  const auto state = generator.get_state();
  const auto first = torch::rand({10}, o).cpu();
  EXPECT_FALSE(torch::equal(first, torch::rand({10}, o).cpu()));
  generator.set_state(state);
  EXPECT_TRUE(same(first, torch::rand({10}, o)));
}

TEST_F(Generators, HaveTheStateOfTheCpusAfterTheSameDraws) {
  const auto draw = [](at::Generator generator) {
    torch::randn({37}, generator, torch::TensorOptions(generator.device()));
  };
  auto here = own_generator(torch::kCPU), there = own_generator(device());
  draw(here);
  draw(there);
  EXPECT_TRUE(same(here.get_state(), there.get_state()));
  auto other = own_generator(device());
  other.set_current_seed(1);
  other.set_state(here.get_state());
  EXPECT_TRUE(same(torch::rand({9}, here, {}), torch::rand({9}, other, torch::TensorOptions(device()))));
}

TEST_F(Generators, AreForkedWhereTheyAre) {
  const auto o = torch::TensorOptions(device());
  auto origin = own_generator(device());
  torch::rand({5}, origin, o);
  auto fork = origin.clone();
  const auto expected = torch::rand({6}, origin, o).cpu();
  torch::rand({100}, origin, o);
  EXPECT_TRUE(same(expected, torch::rand({6}, fork, o)));
  EXPECT_EQ(fork.device(), origin.device());

  auto fork_of_default = default_of(device()).clone();
  EXPECT_TRUE(same(torch::rand({6}, o).cpu(), torch::rand({6}, fork_of_default, o)));
}

TEST_F(Generators, TellTheirSeedAndStartAgainWithIt) {
  const auto o = torch::TensorOptions(device());
  auto generator = own_generator(device());
  EXPECT_EQ(generator.current_seed(), 42u);
  const auto first = torch::rand({4}, generator, o).cpu();
  generator.set_current_seed(42);
  EXPECT_TRUE(same(first, torch::rand({4}, generator, o)));
  const uint64_t drawn = generator.seed();
  EXPECT_EQ(generator.current_seed(), drawn);
  EXPECT_NE(drawn, generator.seed()) << "a seed that nobody chose came twice";
  EXPECT_FALSE(torch::equal(first, torch::rand({4}, generator, o).cpu()));
}

TEST_F(Generators, OfTwoDevicesAreIndependentAndSeededTogether) {
  if (!on_worker()) GTEST_SKIP() << "LibTorch has one CPU device";
  const auto one = torch::TensorOptions(device()), two = torch::TensorOptions(other_device());
  torch::manual_seed(21);
  const auto expected = torch::rand({6}), next = torch::rand({6});
  torch::manual_seed(21);
  EXPECT_TRUE(same(expected, torch::rand({6}, one)));
  torch::rand({1000}, one);
  EXPECT_TRUE(same(expected, torch::rand({6}, two)));
  default_of(device()).set_current_seed(3);
  EXPECT_TRUE(same(next, torch::rand({6}, two)));
  torch::manual_seed(3);
  EXPECT_TRUE(same(torch::rand({6}), torch::rand({6}, one)));
}

TEST_F(Generators, OfTheCpuStayWhereTheyWereWhenTheDeviceDraws) {
  if (!on_worker()) GTEST_SKIP() << "the device under test is the CPU";
  torch::manual_seed(3);
  const auto expected = torch::rand({4});
  torch::manual_seed(3);
  const auto there = torch::rand({100}, torch::TensorOptions(device()));
  torch::dropout(there, 0.5, true);
  synchronize();
  EXPECT_TRUE(same(expected, torch::rand({4})));
}

TEST_F(Generators, OfAnotherDeviceAreRefused) {
  if (!on_worker()) GTEST_SKIP() << "LibTorch's CPU takes the CPU's generator";
  const auto o = torch::TensorOptions(device());
  auto x = torch::zeros({3}, o);
  auto cpu = own_generator(torch::kCPU), other = own_generator(other_device());
  const auto names_both = [](const char* wrong) {
    return AllOf(HasSubstr("expected a generator of remote:0"), HasSubstr(wrong), HasSubstr("aten::"));
  };
  for (const auto& attempt : std::vector<std::function<void(at::Generator)>>{
           [&](at::Generator g) { x.normal_(0, 1, g); }, [&](at::Generator g) { torch::rand({3}, g, o); },
           [&](at::Generator g) { torch::randperm(4, g, o.dtype(torch::kLong)); },
           [&](at::Generator g) { torch::bernoulli(x, g); },
           [&](at::Generator g) { torch::multinomial(x + 1, 2, false, g); }}) {
    EXPECT_THAT(message_of([&] { attempt(cpu); }), names_both("cpu"));
    EXPECT_THAT(message_of([&] { attempt(other); }), names_both("remote:1"));
  }
  EXPECT_TRUE(same(torch::zeros({3}), x));
  EXPECT_THROW(torch::zeros({3}).normal_(0, 1, own_generator(device())), c10::Error) << "the CPU takes the CPU's alone";
}

TEST_F(Generators, HaveNoOffset) {
  if (!on_worker()) GTEST_SKIP() << "LibTorch's own message";
  auto generator = own_generator(device());
  EXPECT_THAT(message_of([&] { generator.set_offset(3); }), HasSubstr("set_state()"));
  EXPECT_EQ(generator.get_offset(), 0u);
  EXPECT_THAT(message_of([&] { generator.set_state(torch::zeros({3})); }), HasSubstr("uint8"));
  EXPECT_THAT(message_of([&] {
                generator.set_state(torch::zeros({3}, torch::kByte));
                synchronize();
              }),
              HasSubstr("state"));
  clear_errors();
}

}  // namespace
}  // namespace remote::test
