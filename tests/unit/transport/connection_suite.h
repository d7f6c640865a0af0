#pragma once
// What every carrier must do, written once. A carrier instantiates it with a factory:
//
//   INSTANTIATE_TEST_SUITE_P(Embedded, ConnectionSuite, testing::Values(ConnectionCarrier{make_embedded_worker}));
//
// Each test gets a worker of its own (CPU, default limits) and connects to it, more than once where it needs to.
#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include <functional>
#include <memory>
#include <thread>

#include <worker/backend/backend.h>

#include "test_client.h"

namespace remote::transport {

/// A worker that was started for one test, and how to reach it.
class SuiteWorker {
 public:
  virtual ~SuiteWorker() = default;
  virtual StatusOr<std::unique_ptr<Connection>> connect(const wire::Hello& hello, wire::RecordSource& source,
                                                        Listener& listener) = 0;
  virtual worker::BackendStatistics statistics() = 0;
};

struct ConnectionCarrier {
  std::function<std::unique_ptr<SuiteWorker>()> start_worker;
};

class ConnectionSuite : public testing::TestWithParam<ConnectionCarrier> {
 protected:
  void SetUp() override { worker_ = GetParam().start_worker(); }

  std::unique_ptr<TestClient> connected() {
    auto client = std::make_unique<TestClient>();
    auto connection = worker_->connect(TestClient::hello(), *client, *client);
    EXPECT_TRUE(connection.ok()) << connection.status();
    if (connection.ok()) client->connection = std::move(connection).value();
    return client;
  }

  bool worker_reaches(const std::function<bool(const worker::BackendStatistics&)>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!condition(worker_->statistics())) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return true;
  }

  static wire::TensorRef bytes_of(uint64_t storage, uint64_t bytes) {
    wire::TensorRef ref;
    ref.storage = storage;
    ref.dtype = c10::ScalarType::Byte;
    ref.sizes = {static_cast<int64_t>(bytes)};
    ref.strides = {1};
    return ref;
  }

  static std::string pattern(size_t bytes, uint64_t seed) {
    std::string text(bytes, '\0');
    for (char& c : text) {
      seed = seed * 6364136223846793005 + 1442695040888963407;
      c = static_cast<char>(seed >> 56);
    }
    return text;
  }

  std::unique_ptr<SuiteWorker> worker_;
};

TEST_P(ConnectionSuite, TheWelcomeDescribesTheWorker) {
  auto client = connected();
  const wire::Welcome& welcome = client->connection->welcome();
  EXPECT_EQ(welcome.protocol_version, wire::kProtocolVersion);
  EXPECT_EQ(welcome.torch_version, TORCH_VERSION);
  EXPECT_EQ(welcome.hardware.device, c10::DeviceType::CPU);
  EXPECT_GT(welcome.hardware.threads, 0u);
  EXPECT_TRUE(welcome.hardware.onednn_dtypes.contains(c10::ScalarType::Float));
  EXPECT_NE(welcome.session, 0u);
  EXPECT_GT(welcome.limits.max_inflight_records, 0u);
}

TEST_P(ConnectionSuite, AnotherProtocolVersionIsRefused) {
  TestClient client;
  wire::Hello hello = TestClient::hello();
  hello.protocol_version = 4242;
  auto connection = worker_->connect(hello, client, client);
  ASSERT_FALSE(connection.ok());
  EXPECT_EQ(connection.status().code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(connection.status().message(), testing::HasSubstr("4242"));
}

TEST_P(ConnectionSuite, RecordsRunInOrderAndNoneIsLost) {
  auto client = connected();
  constexpr uint64_t kCount = 3000;
  for (uint64_t i = 1; i <= kCount; ++i) {
    const auto write = [&](wire::RecordWriter& out) {
      out.upload_inline(7, i == 1 ? std::optional<uint64_t>(8) : std::nullopt, 0,
                        std::string_view(reinterpret_cast<const char*>(&i), 8));
      out.fetch(i, bytes_of(7, 8));
    };
    if (i % 100 == 0) {
      client->send(write);
    } else {
      client->queue(write);
    }
  }
  for (uint64_t i = 1; i <= kCount; ++i) {
    auto value = client->value(i);
    ASSERT_TRUE(value && value->status.ok());
    ASSERT_EQ(value->bytes, std::string(reinterpret_cast<const char*>(&i), 8));
  }
  EXPECT_TRUE(client->wait_until_executed());
  EXPECT_EQ(client->complaint(), "");
}

TEST_P(ConnectionSuite, AnIdleConnectionWakesUpAgain) {
  auto client = connected();
  for (uint64_t i = 1; i <= 20; ++i) {
    client->send([&](wire::RecordWriter& out) { out.synchronize(i); });
    ASSERT_TRUE(client->value(i));
    std::this_thread::sleep_for(std::chrono::milliseconds(i % 4));
  }
}

TEST_P(ConnectionSuite, BytesGoUpAndComeBackUnchanged) {
  auto client = connected();
  uint64_t request = 0;
  for (const uint64_t size :
       {uint64_t{1}, uint64_t{wire::kInlineBytes}, uint64_t{wire::kInlineBytes + 1}, uint64_t{wire::kChunkBytes - 1},
        uint64_t{wire::kChunkBytes}, uint64_t{wire::kChunkBytes + 1}, uint64_t{wire::kTransferBytes}}) {
    const std::string data = pattern(size, size);
    ++request;
    ASSERT_TRUE(client->upload(request, size, 0, request, data).ok());
    client->send([&](wire::RecordWriter& out) {
      out.fetch(request, bytes_of(request, size));
      out.release({request});
    });
    auto value = client->value(request);
    ASSERT_TRUE(value) << size << " bytes";
    EXPECT_EQ(value->status, Status());
    EXPECT_TRUE(value->bytes == data) << size << " bytes";
  }
  EXPECT_EQ(client->complaint(), "");
}

TEST_P(ConnectionSuite, NothingGoesUpAndComesBackToo) {
  auto client = connected();
  client->send([&](wire::RecordWriter& out) {
    out.upload_inline(1, 0, 0, "");
    out.fetch(1, bytes_of(1, 0));
  });
  auto value = client->value(1);
  ASSERT_TRUE(value);
  EXPECT_EQ(value->status, Status());
  EXPECT_EQ(value->bytes, "");
}

TEST_P(ConnectionSuite, AnUploadOfSeveralTransfersIsOneStorage) {
  auto client = connected();
  constexpr uint64_t kTotal = 40 << 20;
  const std::string data = pattern(kTotal, 40);
  uint64_t transfer = 0;
  for (uint64_t at = 0; at < kTotal; at += wire::kTransferBytes) {
    const auto piece = std::string_view(data).substr(at, wire::kTransferBytes);
    ASSERT_TRUE(client->upload(1, at == 0 ? std::optional(kTotal) : std::nullopt, at, ++transfer, piece).ok());
  }
  client->send([&](wire::RecordWriter& out) { out.fetch(1, bytes_of(1, kTotal)); });
  auto value = client->value(1);
  ASSERT_TRUE(value);
  EXPECT_TRUE(value->bytes == data);
}

TEST_P(ConnectionSuite, TheSourceOfAChunkMayBeOverwrittenAtOnce) {
  auto client = connected();
  constexpr uint64_t kSize = 8 << 20;
  const std::string data = pattern(kSize, 1);
  client->send([&](wire::RecordWriter& out) { out.upload_transfer(1, kSize, 0, 1, kSize); });
  std::string buffer;
  for (uint64_t at = 0; at < kSize; at += wire::kChunkBytes) {
    buffer.assign(data, at, wire::kChunkBytes);
    ASSERT_TRUE(client->connection->send_chunk({1, kSize, at, buffer}).ok());
    buffer.assign(wire::kChunkBytes, '!');
  }
  client->send([&](wire::RecordWriter& out) { out.fetch(1, bytes_of(1, kSize)); });
  auto value = client->value(1);
  ASSERT_TRUE(value);
  EXPECT_TRUE(value->bytes == data);
}

TEST_P(ConnectionSuite, UploadsFetchesAndRecordsOfThreeThreadsDoNotDisturbEachOther) {
  auto client = connected();
  constexpr uint64_t kRounds = 12, kSize = 3 << 20;
  const std::string data = pattern(kSize, 3);
  client->send([&](wire::RecordWriter& out) { out.upload_inline(500, 1, 0, "x"); });
  std::thread uploader([&] {
    for (uint64_t i = 1; i <= kRounds; ++i) {
      ASSERT_TRUE(client->upload(i, kSize, 0, i, data).ok());
      client->send([&](wire::RecordWriter& out) {
        out.fetch(i, bytes_of(i, kSize));
        out.release({i});
      });
    }
  });
  std::thread recorder([&] {
    for (uint64_t i = 1000; i < 3000; ++i)
      client->send([&](wire::RecordWriter& out) { out.fetch(i, bytes_of(500, 1)); });
  });
  uploader.join();
  recorder.join();
  for (uint64_t i = 1; i <= kRounds; ++i) {
    auto value = client->value(i);
    ASSERT_TRUE(value);
    EXPECT_TRUE(value->bytes == data) << i;
  }
  for (uint64_t i = 1000; i < 3000; ++i) {
    auto value = client->value(i);
    ASSERT_TRUE(value);
    ASSERT_EQ(value->bytes, "x");
  }
  EXPECT_EQ(client->complaint(), "");
}

TEST_P(ConnectionSuite, AFailureComesBackWithItsSequenceNumber) {
  auto client = connected();
  client->send([&](wire::RecordWriter& out) {
    out.upload_inline(1, 4, 0, "abcd");
    out.fetch(1, bytes_of(999, 4));  // nobody has made that storage
    out.fetch(2, bytes_of(1, 4));
  });
  auto failed = client->value(1);
  auto healthy = client->value(2);
  ASSERT_TRUE(failed && healthy);
  EXPECT_FALSE(failed->status.ok());
  EXPECT_EQ(failed->failed_sequence, 2u);
  EXPECT_EQ(healthy->bytes, "abcd");
}

TEST_P(ConnectionSuite, TwoSessionsShareNothing) {
  auto first = connected(), second = connected();
  EXPECT_NE(first->connection->welcome().session, second->connection->welcome().session);
  first->send([&](wire::RecordWriter& out) { out.upload_inline(1, 4, 0, "1111"); });
  second->send([&](wire::RecordWriter& out) { out.upload_inline(1, 4, 0, "2222"); });
  ASSERT_TRUE(first->wait_until_executed() && second->wait_until_executed());
  first->send([&](wire::RecordWriter& out) { out.fetch(1, bytes_of(1, 4)); });
  auto value = first->value(1);
  ASSERT_TRUE(value);
  EXPECT_EQ(value->bytes, "1111");
}

TEST_P(ConnectionSuite, ClosingFreesWhatTheSessionHeld) {
  auto client = connected();
  client->send([&](wire::RecordWriter& out) {
    for (uint64_t i = 1; i <= 100; ++i) out.upload_inline(i, 1000, 0, "x");
  });
  ASSERT_TRUE(client->wait_until_executed());
  EXPECT_EQ(worker_->statistics().storages, 100u);
  client->connection->close(std::chrono::seconds(5));
  EXPECT_TRUE(worker_reaches([](const auto& now) { return now.storages == 0 && now.sessions == 0; }));
  EXPECT_FALSE(client->closed()) << "on_closed() was called although the client closed the connection";
}

TEST_P(ConnectionSuite, ReleasesFreeStorages) {
  auto client = connected();
  client->send([&](wire::RecordWriter& out) {
    for (uint64_t i = 1; i <= 10; ++i) out.upload_inline(i, 1000, 0, "x");
    out.release({1, 2, 3, 4, 5, 6, 7});
  });
  ASSERT_TRUE(client->wait_until_executed());
  EXPECT_TRUE(worker_reaches([](const auto& now) { return now.storages == 3; }));
}

TEST_P(ConnectionSuite, ConnectionsMayCloseWithWorkInFlight) {
  const std::string data = pattern(4 << 20, 1);
  for (int round = 0; round < 5; ++round) {
    auto client = connected();
    ASSERT_TRUE(client->upload(1, data.size(), 0, 1, data).ok());
    client->send([&](wire::RecordWriter& out) {
      for (uint64_t i = 1; i <= 20; ++i) out.fetch(i, bytes_of(1, data.size()));
      out.upload_transfer(1, std::nullopt, 0, 99, data.size());  // whose bytes never come
    });
    client->connection->close(std::chrono::seconds(5));
    client->connection.reset();
  }
  EXPECT_TRUE(worker_reaches([](const auto& now) { return now.storages == 0 && now.sessions == 0; }));
}

}  // namespace remote::transport
