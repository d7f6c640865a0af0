#include <remote/transport/embedded/embedded_connection.h>

#include "connection_suite.h"

namespace remote::transport {
namespace {

class EmbeddedWorker final : public SuiteWorker {
 public:
  EmbeddedWorker() {
    worker::BackendOptions options;
    options.device = "cpu";
    options.threads = 1;
    backend_ = worker::Backend::create(std::move(options)).value();
  }
  StatusOr<std::unique_ptr<Connection>> connect(const wire::Hello& hello, wire::RecordSource& source,
                                                Listener& listener) override {
    return connect_embedded(backend_, hello, source, listener);
  }
  worker::BackendStatistics statistics() override { return backend_->statistics(); }

 private:
  std::shared_ptr<worker::Backend> backend_;
};

INSTANTIATE_TEST_SUITE_P(Embedded, ConnectionSuite,
                         testing::Values(ConnectionCarrier{[] { return std::make_unique<EmbeddedWorker>(); }}));

TEST(EmbeddedTest, AnUnknownDeviceIsRefused) {
  TestClient client;
  auto connection = connect("embedded:cuda:99", TestClient::hello(), client, client);
  ASSERT_FALSE(connection.ok());
  EXPECT_EQ(connection.status().code(), StatusCode::kUnavailable);
}

TEST(EmbeddedTest, TwoEmbeddedWorkersAreTwoWorkers) {
  TestClient first, second;
  first.connection = connect("embedded:cpu", TestClient::hello(), first, first).value();
  second.connection = connect("embedded:cpu", TestClient::hello(), second, second).value();
  EXPECT_NE(first.connection->welcome().incarnation, second.connection->welcome().incarnation);
}

}  // namespace
}  // namespace remote::transport
