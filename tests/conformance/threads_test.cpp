#include <c10/core/AutogradState.h>

#include <atomic>
#include <thread>

#include "same.h"

namespace remote::test {
namespace {

using Threads = Conformance;

/// A few forward and backward passes, and their sum of gradients.
torch::Tensor passes(int seed, torch::Device where) {
  auto weight = torch::linspace(-1, 1, 20).reshape({5, 4}).add(seed).to(where).requires_grad_();
  for (int i = 0; i < 20; ++i) {
    const auto input = torch::full({3, 5}, 0.01 * (i + seed), torch::TensorOptions(where));
    input.matmul(weight).tanh().pow(2).sum().backward();
  }
  return weight.grad();
}

TEST_F(Threads, RecordAndDifferentiateAtTheSameTime) {
  constexpr int kThreads = 4;
  std::vector<torch::Tensor> results(kThreads);
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) threads.emplace_back([&, i] { results[i] = passes(i, device()); });
  for (auto& thread : threads) thread.join();
  for (int i = 0; i < kThreads; ++i) EXPECT_TRUE(same(passes(i, torch::kCPU), results[i])) << "thread " << i;
}

TEST_F(Threads, UploadAndReadAtTheSameTime) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([i] {
      for (int round = 0; round < 10; ++round) {
        const auto cpu = torch::full({100000}, 10. * i + round);
        const auto there = cpu.to(device());
        EXPECT_TRUE(torch::equal((there * 2).cpu(), cpu * 2));
        EXPECT_EQ(there[7].item<double>(), 10. * i + round);
      }
    });
  }
  for (auto& thread : threads) thread.join();
}

TEST_F(Threads, MayDropTensorsThatOthersMade) {
  auto tensors = std::make_shared<std::vector<torch::Tensor>>();
  for (int i = 0; i < 200; ++i) tensors->push_back(torch::full({10}, 1. * i, torch::TensorOptions(device())));
  const auto kept = (*tensors)[100] + 1;
  std::thread dropping([held = std::move(tensors)]() mutable { held.reset(); });
  for (int i = 0; i < 200; ++i) torch::ones({10}, torch::TensorOptions(device())).add_(1);
  dropping.join();
  EXPECT_TRUE(same(torch::full({10}, 101.f), kept));
}

TEST_F(Threads, UseATensorInTheOrderInWhichTheyAreToldTo) {
  auto shared = torch::zeros({4}, torch::TensorOptions(device()));
  for (int i = 0; i < 50; ++i) std::thread([&] { shared.mul_(2).add_(1); }).join();
  auto expected = torch::zeros({4});
  for (int i = 0; i < 50; ++i) expected.mul_(2).add_(1);
  EXPECT_TRUE(same(expected, shared));
}

TEST_F(Threads, OfAutogradItselfRunBackwardPassesToo) {
  if (!on_worker()) GTEST_SKIP() << "LibTorch runs the CPU's backward passes in the caller";
  auto& state = c10::AutogradState::get_tls_state();
  torch::ones({1}, torch::TensorOptions(device()));  // the first op of a thread chooses the caller
  ASSERT_FALSE(state.get_multithreading_enabled());
  state.set_multithreading_enabled(true);
  std::thread::id ran_on;
  auto x = torch::linspace(-1, 1, 5).to(device()).requires_grad_();
  const auto y = x * 2;
  y.register_hook([&](const torch::Tensor& grad) {
    ran_on = std::this_thread::get_id();
    EXPECT_EQ(grad.sum().item<float>(), 5);
  });
  for (int i = 0; i < 20; ++i) passes(i, device()), passes(i, other_device());
  (y.cpu().sum() + y.to(other_device()).sum().cpu() * 0).backward();
  state.set_multithreading_enabled(false);
  EXPECT_NE(ran_on, std::this_thread::get_id());
  EXPECT_TRUE(same(torch::full({5}, 2.f), x.grad()));
  EXPECT_TRUE(same(passes(3, torch::kCPU), passes(3, device())));
}

TEST_F(Threads, DifferentiateOneGraphAtTheSameTime) {
  auto weight = torch::linspace(-1, 1, 6).to(device()).requires_grad_();
  const auto shared = weight.tanh();
  std::vector<torch::Tensor> grads(4);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      grads[i] = torch::autograd::grad({(shared * (i + 1)).sum()}, {weight}, {}, /*retain_graph=*/true)[0];
    });
  }
  for (auto& thread : threads) thread.join();
  const auto once = torch::linspace(-1, 1, 6).tanh().pow(2).neg() + 1;
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(torch::allclose(once * (i + 1), grads[i].cpu())) << "thread " << i;
}

TEST_F(Threads, ThatBuildModelsAndDrawGetEveryNumberOnce) {
  if (!is_bit_equal()) GTEST_SKIP() << "a CUDA worker draws from CUDA's generator";
  constexpr int kThreads = 4, kDraws = 25, kNumbers = 7;
  std::vector<torch::Tensor> drawn(kThreads * kDraws);
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      for (int k = 0; k < kDraws; ++k)
        drawn[i * kDraws + k] = torch::rand({kNumbers}, torch::TensorOptions(device())).cpu();
    });
  }
  for (auto& thread : threads) thread.join();
  torch::manual_seed(1234);
  const auto in_one_thread = torch::rand({kThreads * kDraws * kNumbers});
  EXPECT_TRUE(torch::equal(std::get<0>(in_one_thread.sort()), std::get<0>(torch::cat(drawn).sort())))
      << "a draw was lost, or was given to two";
}

TEST_F(Threads, SeeAnErrorOfAnotherThreadOnce) {
  if (!on_worker()) GTEST_SKIP() << "the CPU throws at the op";
  const auto table = torch::zeros({3, 2}).to(device()), bad = torch::tensor({9}).to(device());
  torch::embedding(table, bad);
  std::atomic<int> reports{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back([&] { reports += message_of([] {}) != "no error"; });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(reports, 1);
  clear_errors();
}

}  // namespace
}  // namespace remote::test
