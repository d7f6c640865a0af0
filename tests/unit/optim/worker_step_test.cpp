// What a step costs on a worker.
#include <remote/client/session.h>
#include <remote/device/runtime.h>
#include <remote/optim/optim.h>

#include "problem.h"

namespace remote::optim::test {
namespace {

client::Counters counters() { return device::Runtime::get().session(0).counters(); }

/// Ops and synchronisations of the third step.
template <class Optimizer>
std::pair<uint64_t, uint64_t> cost_of_a_step(Problem& problem, Optimizer& optimizer) {
  problem.train(optimizer, 2);
  problem.set_gradients(2);
  const client::Counters before = counters();
  optimizer.step();
  const client::Counters after = counters();
  return {after.ops - before.ops, after.synchronisations - before.synchronisations};
}

TEST(WorkerStepTest, SgdTakesOneOpForAllParametersAndWaitsForNothing) {
  Problem problem(c10::Device("remote:0"));
  SGD optimizer(problem.parameters, SGDOptions(0.1).momentum(0.9));
  EXPECT_EQ(cost_of_a_step(problem, optimizer), std::pair(uint64_t{1}, uint64_t{0}));
}

TEST(WorkerStepTest, AdamWTakesOneMoreForTheCountOfSteps) {
  Problem problem(c10::Device("remote:0"));
  AdamW optimizer(problem.parameters, AdamWOptions(0.1));
  EXPECT_EQ(cost_of_a_step(problem, optimizer), std::pair(uint64_t{2}, uint64_t{0}));
}

TEST(WorkerStepTest, FoundInfCostsOneOpMoreAndNoWait) {
  Problem problem(c10::Device("remote:0"));
  AdamW optimizer(problem.parameters, AdamWOptions(0.1));
  optimizer.set_found_inf(at::zeros({1}, at::TensorOptions(at::kFloat).device("remote:0")));
  EXPECT_EQ(cost_of_a_step(problem, optimizer), std::pair(uint64_t{3}, uint64_t{0}));
}

TEST(WorkerStepTest, CountsThatWereLoadedOneByOneAreOneAgainAfterAStep) {
  Problem problem(c10::Device("remote:0"));
  Adam optimizer(problem.parameters);
  problem.train(optimizer, 1);
  for (auto& [key, state] : optimizer.state()) {
    static_cast<AdamParamState&>(*state).step(at::scalar_tensor(1.0f, at::kCPU));
  }
  EXPECT_EQ(cost_of_a_step(problem, optimizer), std::pair(uint64_t{2}, uint64_t{0}));
}

}  // namespace
}  // namespace remote::optim::test
