// The gRPC carrier with a real worker in this process, over TCP and over a unix socket.
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <worker/service/log.h>
#include <worker/service/server.h>

#include "connection_suite.h"
#include "support/temporary_folder.h"

namespace remote::transport {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::AllOf;
using testing::HasSubstr;

class GrpcWorker final : public SuiteWorker {
 public:
  explicit GrpcWorker(bool unix_socket = false) {
    worker::log::set_level(worker::log::Level::kOff);
    server_ = worker::Server::listen(unix_socket ? "unix:" + folder_.file("socket") : "127.0.0.1:0").value();
    worker::BackendOptions options;
    options.device = "cpu";
    options.threads = 1;
    backend_ = worker::Backend::create(std::move(options)).value();
    server_->serve(backend_);
  }

  StatusOr<std::unique_ptr<Connection>> connect(const wire::Hello& hello, wire::RecordSource& source,
                                                Listener& listener) override {
    return transport::connect(server_->address(), hello, source, listener);
  }
  worker::BackendStatistics statistics() override { return backend_->statistics(); }
  worker::Server& server() { return *server_; }

 private:
  test::TemporaryFolder folder_;
  std::shared_ptr<worker::Backend> backend_;
  std::unique_ptr<worker::Server> server_;
};

INSTANTIATE_TEST_SUITE_P(Tcp, ConnectionSuite,
                         testing::Values(ConnectionCarrier{[] { return std::make_unique<GrpcWorker>(); }}));
INSTANTIATE_TEST_SUITE_P(UnixSocket, ConnectionSuite,
                         testing::Values(ConnectionCarrier{[] { return std::make_unique<GrpcWorker>(true); }}));

/// A TCP port that is bound, listens or not, and never answers.
class SilentPort {
 public:
  explicit SilentPort(bool listens) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in name = {};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof name;
    EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&name), size), 0);
    if (listens) {
      EXPECT_EQ(::listen(fd_, 8), 0);
    }
    EXPECT_EQ(::getsockname(fd_, reinterpret_cast<sockaddr*>(&name), &size), 0);
    address_ = "127.0.0.1:" + std::to_string(ntohs(name.sin_port));
  }
  ~SilentPort() { ::close(fd_); }
  const std::string& address() const { return address_; }

 private:
  const int fd_;
  std::string address_;
};

milliseconds time_to_refuse(const std::string& address, milliseconds timeout, Status* status) {
  TestClient client;
  ConnectOptions options;
  options.timeout = timeout;
  const auto start = std::chrono::steady_clock::now();
  *status = connect(address, TestClient::hello(), client, client, options).status();
  return std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - start);
}

TEST(GrpcTest, AnAddressWhereNobodyListensFailsAtOnceAndSaysWhatToStart) {
  const SilentPort port(/*listens=*/false);
  Status status;
  EXPECT_LT(time_to_refuse(port.address(), seconds(20), &status), seconds(5));
  EXPECT_EQ(status.code(), StatusCode::kUnavailable);
  EXPECT_THAT(status.message(),
              AllOf(HasSubstr("refused"), HasSubstr("rt-worker --listen " + port.address())));
}

TEST(GrpcTest, ASocketThatIsNotThereFailsAtOnce) {
  const test::TemporaryFolder folder;
  Status status;
  EXPECT_LT(time_to_refuse("unix:" + folder.file("none"), seconds(20), &status), seconds(5));
  EXPECT_EQ(status.code(), StatusCode::kUnavailable);
  EXPECT_THAT(status.message(), HasSubstr("no such socket"));
}

TEST(GrpcTest, AServerThatDoesNotAnswerIsGivenUpAfterTheTimeout) {
  const SilentPort port(/*listens=*/true);
  Status status;
  const milliseconds took = time_to_refuse(port.address(), milliseconds(300), &status);
  EXPECT_GE(took, milliseconds(300));
  EXPECT_LT(took, seconds(5));
  EXPECT_EQ(status.code(), StatusCode::kUnavailable);
  EXPECT_THAT(status.message(), AllOf(HasSubstr(port.address()), HasSubstr("no answer within 300 ms")));
}

TEST(GrpcTest, AWorkerThatStopsTellsItsClientsWhy) {
  GrpcWorker worker;
  TestClient client;
  client.connection = worker.connect(TestClient::hello(), client, client).value();
  worker.server().stop({StatusCode::kUnavailable, "maintenance at noon"});
  ASSERT_TRUE(client.wait_until_closed());
  EXPECT_EQ(client.closed()->code(), StatusCode::kUnavailable);
  EXPECT_THAT(client.closed()->message(), AllOf(HasSubstr("ended the session"), HasSubstr("maintenance at noon")));
}

TEST(GrpcTest, AfterALossSendingFailsAndClosingDoesNotWait) {
  GrpcWorker worker;
  TestClient client;
  client.connection = worker.connect(TestClient::hello(), client, client).value();
  worker.server().stop({StatusCode::kUnavailable, "gone"});
  ASSERT_TRUE(client.wait_until_closed());
  client.send([](wire::RecordWriter& out) { out.synchronize(1); });
  Status sent;
  for (int i = 0; i < 100 && sent.ok(); ++i) sent = client.connection->send_chunk({1, 4, 0, "abcd"});
  EXPECT_EQ(sent.code(), StatusCode::kUnavailable);
  const auto start = std::chrono::steady_clock::now();
  client.connection->close(seconds(30));
  client.connection.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - start, seconds(10));
}

// gRPC's shutdown waits for a thread that may have begun to poll for ten seconds.
TEST(GrpcTest, TheLastConnectionOfAProcessClosesAtOnceAfterBulkData) {
  const std::string data(16 << 20, 'x');
  std::chrono::steady_clock::time_point start;
  {
    GrpcWorker worker;
    TestClient client;
    client.connection = worker.connect(TestClient::hello(), client, client).value();
    ASSERT_TRUE(client.upload(1, data.size(), 0, 1, data).ok());
    client.send([&](wire::RecordWriter& out) {
      wire::TensorRef ref;
      ref.storage = 1;
      ref.dtype = c10::ScalarType::Byte;
      ref.sizes = {static_cast<int64_t>(data.size())};
      ref.strides = {1};
      out.fetch(1, ref);
    });
    ASSERT_TRUE(client.value(1));
    start = std::chrono::steady_clock::now();
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, seconds(5));
}

TEST(GrpcTest, ADrainingWorkerRefusesInItsOwnWords) {
  GrpcWorker worker;
  EXPECT_TRUE(worker.server().drain(milliseconds(0)));
  TestClient client;
  const Status status = worker.connect(TestClient::hello(), client, client).status();
  EXPECT_EQ(status.code(), StatusCode::kUnavailable);
  EXPECT_THAT(status.message(), HasSubstr("shutting down"));
}

}  // namespace
}  // namespace remote::transport
