// Ops of a library of one's own, through an rt-worker that has loaded it.
#include <gmock/gmock.h>

#include "support/worker_process.h"

namespace remote::test {
namespace {

using testing::HasSubstr;

TEST(CustomOp, RunsOnAWorkerThatLoadedItsLibraryAndAllowsItsNamespace) {
  const WorkerProcess worker({"--load-ops", EXAMPLE_OPS, "--allow-namespace", "example"});
  Process program({CUSTOM_OP_PROGRAM, worker.address()});
  EXPECT_EQ(program.wait(std::chrono::seconds(60)), 0) << program.output() << program.errors();
}

TEST(CustomOp, IsRefusedWhereItsNamespaceIsNotAllowed) {
  const WorkerProcess worker({"--load-ops", EXAMPLE_OPS});
  Process program({CUSTOM_OP_PROGRAM, worker.address()});
  EXPECT_EQ(program.wait(std::chrono::seconds(60)), 1);
  EXPECT_THAT(program.errors(), HasSubstr("--allow-namespace example"));
}

TEST(CustomOp, IsRefusedWhereTheWorkerHasNotLoadedItsLibrary) {
  const WorkerProcess worker({"--allow-namespace", "example"});
  Process program({CUSTOM_OP_PROGRAM, worker.address()});
  EXPECT_EQ(program.wait(std::chrono::seconds(60)), 1);
  EXPECT_THAT(program.errors(), HasSubstr("example::scaled_tanh"));
  EXPECT_THAT(program.errors(), HasSubstr("--load-ops"));
}

TEST(CustomOp, ALibraryThatIsNoneStopsTheWorkerBeforeItServes) {
  Process worker({program("rt-worker"), "--listen", "127.0.0.1:0", "--load-ops", "/nowhere/libops.so"});
  EXPECT_EQ(worker.wait(std::chrono::seconds(60)), 2);
  EXPECT_THAT(worker.errors(), HasSubstr("/nowhere/libops.so"));
}

}  // namespace
}  // namespace remote::test
