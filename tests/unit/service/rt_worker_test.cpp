// rt-worker as a process: what it prints, writes and ends with.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <thread>

#include "../../support/process.h"
#include "../../support/worker_process.h"
#include "raw_client.h"

namespace remote::test {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::MatchesRegex;

std::string content(const std::string& path) {
  std::ifstream in(path);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

/// Runs rt-worker, which is expected to refuse; its exit code, with what it said on stderr.
int refused(std::vector<std::string> arguments, std::string* errors) {
  arguments.insert(arguments.begin(), program("rt-worker"));
  Process worker(std::move(arguments));
  const auto code = worker.wait(30s);
  *errors = worker.errors();
  EXPECT_EQ(worker.output(), "");
  return code.value_or(-1);
}

std::string http_get(uint16_t port, const std::string& path) {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in name = {};
  name.sin_family = AF_INET;
  name.sin_port = htons(port);
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::string answer;
  if (::connect(fd, reinterpret_cast<sockaddr*>(&name), sizeof name) == 0) {
    const std::string request = "GET " + path + " HTTP/1.0\r\n\r\n";
    EXPECT_EQ(::send(fd, request.data(), request.size(), 0), static_cast<ssize_t>(request.size()));
    char buffer[4096];
    for (ssize_t n = 0; (n = ::recv(fd, buffer, sizeof buffer, 0)) > 0;) answer.append(buffer, n);
  }
  ::close(fd);
  return answer;
}

TEST(RtWorkerTest, TheFirstLineNamesTheAddressTheDeviceAndTheVersions) {
  WorkerProcess worker;
  EXPECT_THAT(worker.process().output(),
              MatchesRegex("rt-worker listening on 127\\.0\\.0\\.1:[0-9]+ \\(cpu, LibTorch [0-9.]+, protocol 1\\)\n"));
}

TEST(RtWorkerTest, ThePortFileHoldsThePortAndItsPartsAreGone) {
  const TemporaryFolder folder;
  WorkerProcess worker({"--port-file", folder.file("port")});
  for (int i = 0; i < 200 && !std::filesystem::exists(folder.file("port")); ++i) std::this_thread::sleep_for(10ms);
  EXPECT_EQ(content(folder.file("port")), std::to_string(worker.port()) + "\n");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
}

TEST(RtWorkerTest, ItAnswersOnAUnixSocketAndRemovesItAtTheEnd) {
  const auto worker = WorkerProcess::on_unix_socket();
  EXPECT_EQ(worker->counters().sessions, 0u);
  worker->process().signal(SIGTERM);
  EXPECT_EQ(worker->process().wait(20s), 0);
  EXPECT_FALSE(std::filesystem::exists(worker->address().substr(5)));
}

TEST(RtWorkerTest, SigtermAndSigintEndItWithZero) {
  for (const int number : {SIGTERM, SIGINT}) {
    WorkerProcess worker;
    worker.process().signal(number);
    EXPECT_EQ(worker.process().wait(20s), 0);
    EXPECT_THAT(worker.process().errors(), AllOf(HasSubstr("draining"), HasSubstr("stopped")));
  }
}

bool says(Process& process, const std::string& text) {
  for (int i = 0; i < 1000 && process.errors().find(text) == std::string::npos; ++i) std::this_thread::sleep_for(10ms);
  return process.errors().find(text) != std::string::npos;
}

TEST(RtWorkerTest, SigtermWaitsForSessionsTakesNoNewOneAndThenCutsThemOffWithAReason) {
  WorkerProcess worker({"--drain", "4"});
  HeldSession session(worker.address());
  ASSERT_EQ(session.refusal(), "");
  worker.process().signal(SIGTERM);
  ASSERT_TRUE(says(worker.process(), "draining"));
  EXPECT_EQ(health_of(worker.address()), "NOT_SERVING");
  EXPECT_THAT(HeldSession(worker.address()).refusal(), HasSubstr("shutting down"));
  EXPECT_TRUE(worker.process().running());
  EXPECT_THAT(session.last_message(), HasSubstr("the worker shuts down"));
  EXPECT_EQ(worker.process().wait(20s), 0);
}

TEST(RtWorkerTest, ASecondSignalEndsItAtOnce) {
  WorkerProcess worker({"--drain", "600"});
  const HeldSession session(worker.address());
  ASSERT_EQ(session.refusal(), "");
  worker.process().signal(SIGTERM);
  ASSERT_TRUE(says(worker.process(), "draining"));
  EXPECT_FALSE(worker.process().wait(300ms));
  worker.process().signal(SIGTERM);
  EXPECT_EQ(worker.process().wait(10s), 128 + SIGTERM);
}

TEST(RtWorkerTest, HealthCheckingAndReflectionAnswer) {
  WorkerProcess worker;
  // It says so once it serves, which is before its first line.
  EXPECT_EQ(health_of(worker.address()), "SERVING");
  EXPECT_THAT(services_of(worker.address()), Contains("remote.v1.Worker"));
}

TEST(RtWorkerTest, MetricsAreServed) {
  WorkerProcess worker({"--metrics-port", "0"});
  ASSERT_TRUE(says(worker.process(), "/metrics"));
  const std::string errors = worker.process().errors();
  const size_t at = errors.find("http://127.0.0.1:");
  ASSERT_NE(at, std::string::npos) << errors;
  const auto port = static_cast<uint16_t>(std::stoi(errors.substr(at + 17)));
  EXPECT_THAT(http_get(port, "/metrics"),
              AllOf(HasSubstr("200 OK"), HasSubstr("remote_worker_sessions 0"), HasSubstr("remote_worker_ops_total 0"),
                    HasSubstr("remote_worker_failed_ops_total 0"), HasSubstr("remote_worker_storages 0"),
                    HasSubstr("remote_worker_storage_bytes 0")));
}

TEST(RtWorkerTest, APortInUseIsOneSentenceAndTheOtherWorkerLivesOn) {
  WorkerProcess worker;
  std::string errors;
  EXPECT_EQ(refused({"--listen", worker.address(), "--device", "cpu"}, &errors), 1);
  EXPECT_THAT(errors,
              AllOf(HasSubstr("can't listen on " + worker.address()), HasSubstr("another program listens there")));
  EXPECT_EQ(std::count(errors.begin(), errors.end(), '\n'), 1) << errors;
  EXPECT_EQ(worker.counters().sessions, 0u);
}

TEST(RtWorkerTest, WhatIsNoAddressOrNoDeviceOrNoOptionIsWrongUsage) {
  std::string errors;
  EXPECT_EQ(refused({"--listen", "nonsense"}, &errors), 2);
  EXPECT_THAT(errors, HasSubstr("\"nonsense\" is no address to listen on"));
  EXPECT_EQ(refused({"--listen", "127.0.0.1:0", "--device", "tpu"}, &errors), 2);
  EXPECT_THAT(errors, HasSubstr("tpu"));
  EXPECT_EQ(refused({"--lisen", "127.0.0.1:0"}, &errors), 2);
  EXPECT_THAT(errors, AllOf(HasSubstr("--lisen"), HasSubstr("--help")));
  EXPECT_EQ(refused({"--threads", "0"}, &errors), 2);
}

TEST(RtWorkerTest, ADeviceThatIsNotThereIsNamed) {
  std::string errors;
  EXPECT_EQ(refused({"--listen", "127.0.0.1:0", "--device", "cuda:99"}, &errors), 1);
  EXPECT_THAT(errors, HasSubstr("cuda:99"));
}

TEST(RtWorkerTest, AFileInPlaceOfTheSocketIsLeftAlone) {
  const TemporaryFolder folder;
  std::ofstream(folder.file("precious")) << "data";
  std::string errors;
  EXPECT_EQ(refused({"--listen", "unix:" + folder.file("precious")}, &errors), 1);
  EXPECT_THAT(errors, HasSubstr("is no socket"));
  EXPECT_EQ(content(folder.file("precious")), "data");
}

TEST(RtWorkerTest, APortFileThatCannotBeWrittenIsNamed) {
  const TemporaryFolder folder;
  Process worker({program("rt-worker"), "--listen", "127.0.0.1:0", "--device", "cpu", "--port-file",
                  folder.file("none/port")});
  EXPECT_EQ(worker.wait(30s), 1);
  EXPECT_THAT(worker.errors(), HasSubstr("can't write " + folder.file("none/port") + ": No such file or directory"));
}

TEST(RtWorkerTest, ACredentialFileMustHoldOne) {
  const TemporaryFolder folder;
  std::ofstream(folder.file("empty"));
  std::string errors;
  EXPECT_EQ(refused({"--credential-file", folder.file("empty")}, &errors), 2);
  EXPECT_THAT(errors, HasSubstr("must hold a credential"));
  EXPECT_EQ(refused({"--credential-file", folder.file("none")}, &errors), 1);
  EXPECT_THAT(errors, HasSubstr("can't read"));
}

TEST(RtWorkerTest, HelpAndVersionGoToStdout) {
  std::string output;
  EXPECT_EQ(run({program("rt-worker"), "--help"}, &output), 0);
  EXPECT_THAT(output, AllOf(HasSubstr("--listen"), HasSubstr("127.0.0.1:7070"), HasSubstr("Exit codes")));
  EXPECT_EQ(run({program("rt-worker"), "--version"}, &output), 0);
  EXPECT_THAT(output, HasSubstr("LibTorch"));
}

}  // namespace
}  // namespace remote::test
