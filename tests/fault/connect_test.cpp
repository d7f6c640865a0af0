// What a client says that finds no worker, or another than it can talk to.
#include <fstream>

#include "fault.h"
#include "support/tcp_proxy.h"

namespace remote::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class ConnectFault : public Fault {};

TEST_F(ConnectFault, NoWorkerAtAnAddressIsSaidAtOnceWithTheAddressAndWhatToDo) {
  std::string address;
  {
    // A port that was free a moment ago.
    const TcpProxy proxy(1, TcpProxy::Direction::kToServer, 1);
    address = proxy.address();
  }
  const Status status = status_of([&] { connect({address}); }, 4s);
  EXPECT_EQ(status.code(), StatusCode::kUnavailable);
  EXPECT_THAT(status.message(), AllOf(HasSubstr(address), HasSubstr("rt-worker --listen"), HasSubstr("remote:0")));
}

TEST_F(ConnectFault, NoWorkerAtAUnixSocketIsSaidAtOnce) {
  const TemporaryFolder folder;
  const std::string address = "unix:" + folder.file("nobody");
  const Status status = status_of([&] { connect({address}); }, 4s);
  EXPECT_EQ(status.code(), StatusCode::kUnavailable);
  EXPECT_THAT(status.message(), HasSubstr(address));
}

TEST_F(ConnectFault, WhatIsNoAddressIsRefused) {
  const Status status = status_of([&] { connect({"gpu-box"}); });
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(status.message(), HasSubstr("gpu-box"));
}

TEST_F(ConnectFault, AWorkerOfAnotherProtocolVersionIsNamedWithBothVersions) {
  Process worker({program("fake_worker"), "4711"});
  const auto line = worker.wait_for_line("listening on ");
  ASSERT_TRUE(line) << worker.errors();
  const std::string address = line->substr(std::string("listening on ").size());
  const Status status = status_of([&] { connect({address}); });
  EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(status.message(),
              AllOf(HasSubstr(address), HasSubstr("4711"), HasSubstr("client 1"), HasSubstr("update")));
}

TEST_F(ConnectFault, AWorkerThatDoesNotAnswerIsGivenUpAfterTheTimeout) {
  WorkerProcess worker;
  worker.stop();
  ConnectOptions options;
  options.timeout = 500ms;
  const Status status = status_of([&] { connect({worker.address()}, options); }, 5s);
  EXPECT_EQ(status.code(), StatusCode::kUnavailable);
  EXPECT_THAT(status.message(), HasSubstr(worker.address()));
  worker.resume();
}

TEST_F(ConnectFault, ADeviceThatHasNoWorkerSaysSo) {
  WorkerProcess worker;
  ::setenv("REMOTE_WORKERS", worker.address().c_str(), 1);
  EXPECT_EQ(torch::ones({2}, on()).sum().item<float>(), 2);
  const Status status = status_of([] { torch::ones({2}, on(3)).sum(); });
  ::unsetenv("REMOTE_WORKERS");
  EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(status.message(), AllOf(HasSubstr("remote:3"), HasSubstr("REMOTE_WORKERS")));
}

TEST_F(ConnectFault, WorkersAndTheirCredentialComeFromTheEnvironment) {
  const TemporaryFolder folder;
  const std::string file = folder.file("credential");
  std::ofstream(file) << "open sesame\n";
  WorkerProcess worker({"--credential-file", file}), other({"--credential-file", file});
  ::setenv("REMOTE_WORKERS", (worker.address() + ", " + other.address()).c_str(), 1);
  const Status refused = status_of([] { torch::ones({2}, on()).sum(); });
  ::setenv("REMOTE_CREDENTIAL_FILE", folder.file("nowhere").c_str(), 1);
  const Status unreadable = status_of([] { torch::ones({2}, on()).sum(); });
  ::setenv("REMOTE_CREDENTIAL_FILE", file.c_str(), 1);
  const Status connected = status_of([] {
    EXPECT_EQ(torch::ones({2}, on()).sum().item<float>(), 2);
    EXPECT_EQ(torch::ones({2}, on(1)).sum().item<float>(), 2);
  });
  ::unsetenv("REMOTE_CREDENTIAL_FILE");
  ::unsetenv("REMOTE_WORKERS");
  EXPECT_EQ(refused.code(), StatusCode::kUnauthenticated);
  EXPECT_THAT(unreadable.message(), AllOf(HasSubstr("REMOTE_CREDENTIAL_FILE"), HasSubstr("nowhere")));
  EXPECT_TRUE(connected.ok()) << connected;
}

TEST_F(ConnectFault, AFailedConnectionCanBeTriedAgain) {
  const TemporaryFolder folder;
  EXPECT_FALSE(status_of([&] { connect({"unix:" + folder.file("nobody")}); }).ok());
  WorkerProcess worker;
  connect({worker.address()});
  EXPECT_EQ(torch::ones({2}, on()).sum().item<float>(), 2);
}

}  // namespace
}  // namespace remote::test
