// Ops that fail on the worker, in the ways in which they can: the error says which and why, and the session goes on.
#include "fault.h"

namespace remote::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class Refusals : public Fault {
 protected:
  void start(std::vector<std::string> arguments = {}) {
    worker_.emplace(std::move(arguments));
    connect({worker_->address()});
  }
  static void expect_session_works() { EXPECT_EQ((torch::ones({3}, on()) * 2).sum().item<float>(), 6); }

  std::optional<WorkerProcess> worker_;
};

TEST_F(Refusals, AnOpThatTheWorkerDoesNotAllowIsRefusedByName) {
  start();
  const TemporaryFolder folder;
  const Status status = status_of([&] {
    at::from_file(folder.file("data"), /*shared=*/true, 16, on().dtype(torch::kFloat)).sum().item<float>();
  });
  EXPECT_EQ(status.code(), StatusCode::kPermissionDenied) << status;
  EXPECT_THAT(status.message(), AllOf(HasSubstr("from_file"), HasSubstr(worker_->address())));
  EXPECT_FALSE(std::filesystem::exists(folder.file("data"))) << "the worker has touched a file for a client";
  expect_session_works();
}

TEST_F(Refusals, AShapeErrorComesFromTheOpThatHasIt) {
  start();
  torch::nn::Linear layer(4, 2);
  layer->to(there());
  const Status status = status_of([&] { layer->forward(torch::ones({3, 5}, on())); });
  EXPECT_THAT(status.message(), AllOf(HasSubstr("3x5"), HasSubstr("4x2")));
  expect_session_works();
}

TEST_F(Refusals, AnErrorThatOnlyTheWorkerSeesNamesOpShapesLayerAndWorker) {
  start();
  struct Encoder : torch::nn::Module {
    Encoder() { embedding = register_module("embedding", remote::nn::Embedding(5, 3)); }
    remote::nn::Embedding embedding{nullptr};
  };
  const auto encoder = std::make_shared<Encoder>();
  name_parameters(*encoder, "net");
  const auto index = torch::tensor({1, 5}).to(there());
  const Status status = status_of([&] { encoder->embedding->forward(index).sum().item<float>(); });
  EXPECT_EQ(status.code(), StatusCode::kOutOfRange) << status;
  EXPECT_THAT(status.message(), AllOf(HasSubstr("aten::embedding"), HasSubstr("Float[5, 3]"), HasSubstr("Long[2]"),
                                      HasSubstr("net.embedding"), HasSubstr(worker_->address())));
  clear_errors();
  EXPECT_EQ(encoder->embedding->forward(index.slice(0, 0, 1)).numel(), 3);
  expect_session_works();
}

TEST_F(Refusals, MemoryThatTheWorkerDoesNotHaveIsReportedAndLessWorks) {
  start({"--max-session-bytes", "1000000"});
  const auto kept = torch::ones({50, 1000}, on());
  const Status status = status_of([] { torch::ones({1000, 1000}, on()).sum().item<float>(); });
  EXPECT_EQ(status.code(), StatusCode::kResourceExhausted) << status;
  EXPECT_THAT(status.message(), AllOf(HasSubstr("1000000"), HasSubstr(worker_->address())));
  EXPECT_EQ(kept.sum().item<float>(), 50000);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(torch::ones({100, 1000}, on()).sum().item<float>(), 100000);
  const Status upload = status_of([] { torch::zeros({1000, 1000}).to(there()).sum().item<float>(); });
  EXPECT_EQ(upload.code(), StatusCode::kResourceExhausted) << upload;
  expect_session_works();
}

TEST_F(Refusals, AnAllocationThatTheMachineCanNotMakeIsReportedAndTheWorkerLives) {
  start();
  const Status status =
      status_of([] { torch::ones({int64_t{1} << 39}, on().dtype(torch::kByte)).slice(0, 0, 1).item<int>(); });
  EXPECT_EQ(status.code(), StatusCode::kResourceExhausted) << status;
  expect_session_works();
}

TEST_F(Refusals, AfterABadBatchTrainingGoesOnAsIfItHadNeverBeen) {
  start();
  Trainee trainee, undisturbed(torch::kCPU);
  for (int batch = 0; batch < 5; ++batch) {
    trainee.step(batch).get();
    undisturbed.step(batch).get();
  }
  const torch::Tensor before = trainee.weights();
  ASSERT_TRUE(torch::equal(before, undisturbed.weights()));

  const Status status = status_of([&] { trainee.bad_step(100).get(); });
  EXPECT_THAT(status.message(), AllOf(HasSubstr("nll_loss"), HasSubstr("out of bounds")));
  EXPECT_TRUE(torch::equal(trainee.weights(), before)) << "the bad batch has changed the parameters";

  for (int batch = 5; batch < 15; ++batch) {
    EXPECT_EQ(trainee.step(batch).get(), undisturbed.step(batch).get()) << "batch " << batch;
  }
  EXPECT_TRUE(torch::equal(trainee.weights(), undisturbed.weights()));
}

TEST_F(Refusals, ABadBatchLeavesTheParametersOfAFusedOptimizerIntactToo) {
  start();
  remote::nn::Linear layer(4, 3);
  remote::optim::AdamW optimizer(layer->parameters(), torch::optim::AdamWOptions(0.01));
  const auto inputs = torch::rand({6, 4}).to(there());
  const auto step = [&](const torch::Tensor& labels) {
    optimizer.zero_grad();
    const auto loss = torch::nn::functional::cross_entropy(layer->forward(inputs), labels.to(there()));
    loss.backward();
    optimizer.step();
    return loss.detach();
  };
  const auto good = torch::tensor({0, 1, 2, 0, 1, 2});
  const float first = step(good).item<float>();
  const auto before = layer->weight.detach().cpu();
  EXPECT_FALSE(status_of([&] { step(good + 2).item<float>(); }).ok());
  EXPECT_TRUE(torch::equal(layer->weight.detach().cpu(), before));
  float last = first;
  for (int i = 0; i < 30; ++i) last = step(good).item<float>();
  EXPECT_LT(last, first);
}

TEST_F(Refusals, TensorsOfTwoWorkersDoNotMixAndEachWorkerServesItsOwn) {
  WorkerProcess second;
  worker_.emplace();
  connect({worker_->address(), second.address()});
  const auto a = torch::full({2, 2}, 2.f, on(0)), b = torch::full({2, 2}, 3.f, on(1));
  for (const auto& attempt : std::vector<std::function<void()>>{[&] { a + b; }, [&] { a.mm(b); },
                                                                [&] {
                                                                  torch::cat({b, a});
                                                                },
                                                                [&] { a.clone().add_(b); }}) {
    const Status status = status_of(attempt);
    EXPECT_THAT(status.message(), AllOf(HasSubstr("remote:0"), HasSubstr("remote:1")));
  }
  EXPECT_EQ((a + b.to(there(0))).sum().item<float>(), 20) << "copied from one worker to the other";
  EXPECT_EQ(b.mm(b).sum().item<float>(), 72);
  EXPECT_EQ(RemoteTensor(a).worker(), worker_->address());
  EXPECT_EQ(RemoteTensor(b).worker(), second.address());
  worker_->kill();
  EXPECT_EQ(status_of([&] { a.sum().item<float>(); }).code(), StatusCode::kUnavailable);
  EXPECT_EQ(b.sum().item<float>(), 12) << "the other worker is not concerned";
}

TEST_F(Refusals, AnErrorSaysWhereItsOpWasRecordedWhereThatIsAskedFor) {
  worker_.emplace();
  ConnectOptions options;
  options.record_sites = true;
  connect({worker_->address()}, options);
  const auto table = torch::ones({3, 2}, on()), index = torch::tensor({7}).to(there());
  const Status status = status_of([&] {
    torch::embedding(table, index);
    for (int i = 0; i < 100; ++i) torch::ones({1}, on());
    synchronize();
  });
  EXPECT_THAT(status.message(), AllOf(HasSubstr("aten::embedding"), HasSubstr("recorded at"), HasSubstr("fault_test")));
  clear_errors();
  expect_session_works();
}

}  // namespace
}  // namespace remote::test
