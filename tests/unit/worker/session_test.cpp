// Sessions: handshake, order, turns, parking, credit, leases, and what one may see of another.
#include "test_session.h"

namespace remote::worker {
namespace {

using c10::ScalarType;
using testing::HasSubstr;

class SessionTest : public WorkerTest {
 protected:
  static std::string pattern(size_t bytes) {
    std::string text(bytes, '\0');
    for (size_t i = 0; i < bytes; ++i) text[i] = static_cast<char>(i * 131 + (i >> 13));
    return text;
  }
  static wire::TensorRef bytes_of(uint64_t storage, int64_t bytes) {
    return TestSession::ref(storage, ScalarType::Byte, {bytes});
  }
};

TEST_F(SessionTest, AnotherProtocolVersionIsRefusedWithBothNumbers) {
  wire::Hello hello = TestSession::make_hello();
  hello.protocol_version = 77;
  const TestSession refused(*backend, hello);
  EXPECT_EQ(refused.status.code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(refused.status.message(), HasSubstr("77"));
  EXPECT_THAT(refused.status.message(), HasSubstr(std::to_string(wire::kProtocolVersion)));
}

TEST_F(SessionTest, AnotherCredentialIsRefused) {
  BackendOptions options;
  options.device = "cpu";
  options.credential = "sesame";
  const auto guarded = Backend::create(options).value();
  EXPECT_EQ(TestSession(*guarded).status.code(), StatusCode::kUnauthenticated);
  wire::Hello hello = TestSession::make_hello();
  hello.credential = "sesamf";
  EXPECT_EQ(TestSession(*guarded, hello).status.code(), StatusCode::kUnauthenticated);
  hello.credential = "sesame";
  EXPECT_TRUE(TestSession(*guarded, hello).status.ok());
}

TEST_F(SessionTest, DevicesThatAreNotThereAreRefused) {
  BackendOptions options;
  options.device = "cuda:99";
  EXPECT_EQ(Backend::create(options).status().code(), StatusCode::kUnavailable);
  for (const char* name : {"tpu", "cuda:", "cuda:x", "cpu:0", ""}) {
    options.device = name;
    EXPECT_EQ(Backend::create(options).status().code(), StatusCode::kInvalidArgument) << name;
  }
}

TEST_F(SessionTest, RecordsRunInTheirOrderAcrossBatches) {
  const auto counter = client->floats({0});
  for (int i = 0; i < 500; ++i) client->run("aten::add_", "Scalar", {counter, c10::IValue(1), c10::IValue(1)});
  EXPECT_TRUE(same(client->read(counter), at::tensor({500.f})));
  EXPECT_EQ(client->statistics().ops, 500u);
}

TEST_F(SessionTest, AReplyIsNotSentForEachRecord) {
  for (int i = 0; i < 10000; ++i) client->queue([](wire::RecordWriter& out) { out.define_scope(1, "net"); });
  client->session->wake();
  client->synchronize();
  EXPECT_LT(client->replies(), 50u);
}

TEST_F(SessionTest, WatermarksComeWithoutBeingAskedFor) {
  const uint64_t last = client->send([](wire::RecordWriter& out) {
    for (int i = 0; i < 100; ++i) out.define_scope(1, "net");
  });
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (client->executed() != last && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  EXPECT_EQ(client->executed(), last);
}

TEST_F(SessionTest, AWatermarkComesBeforeTheClientRunsOutOfCredit) {
  BackendOptions options;
  options.limits.max_inflight_records = 80;
  start(options);
  client->send([](wire::RecordWriter& out) {
    for (int i = 0; i < 80; ++i) out.define_scope(1, "net");
    out.upload_transfer(1, 100, 0, 5, 100);  // whose bytes never come: nothing after it runs
  });
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (client->executed() < 80 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  EXPECT_EQ(client->executed(), 80u);
  EXPECT_GE(client->replies(), 4u) << "a client that waits for credit would have waited for the end of the batch";
}

TEST_F(SessionTest, ASessionThatWaitsForItsUploadHoldsNobodyUp) {
  const std::string data = pattern(100000);
  const uint64_t id = client->next_id();
  client->send([&](wire::RecordWriter& out) {
    out.upload_transfer(id, data.size(), 0, 7, data.size());
    out.fetch(1, bytes_of(id, 10));
  });
  TestSession other(*backend);
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(other.fetch_status(other.floats({1, 2})).ok());
  ASSERT_TRUE(client->session->supply({7, data.size(), 0, std::string_view(data).substr(0, 60000)}).ok());
  other.synchronize();
  EXPECT_EQ(client->executed(), 0u);
  ASSERT_TRUE(client->session->supply({7, data.size(), 60000, std::string_view(data).substr(60000)}).ok());
  EXPECT_EQ(client->value(1).bytes, data.substr(0, 10));
}

TEST_F(SessionTest, BytesMayComeBeforeTheirRecord) {
  const std::string data = pattern(1000);
  ASSERT_TRUE(client->session->supply({7, data.size(), 0, data}).ok());
  client->send([&](wire::RecordWriter& out) { out.upload_transfer(5, 2000, 500, 7, data.size()); });
  EXPECT_EQ(client->fetch(bytes_of(5, 2000)).bytes, std::string(500, '\0') + data + std::string(500, '\0'));
}

TEST_F(SessionTest, LargeFetchesComeOverTheBulkConnectionAsOfTheirPlace) {
  const std::string data = pattern(200000);
  ASSERT_TRUE(client->session->supply({7, data.size(), 0, data}).ok());
  client->send([&](wire::RecordWriter& out) {
    out.upload_transfer(5, data.size(), 0, 7, data.size());
    out.fetch(1, bytes_of(5, 200000));
  });
  client->run("aten::zero_", "", {bytes_of(5, 200000)});
  const auto value = client->value(1);
  EXPECT_TRUE(value.bulk);
  EXPECT_TRUE(value.bytes == data) << "a later op changed what an earlier fetch brought";
}

TEST_F(SessionTest, FetchesWaitWhileTooMuchIsOnItsWay) {
  BackendOptions options;
  options.limits.max_inflight_transfer_bytes = 300000;
  start(options);
  client->send([&](wire::RecordWriter& out) { out.upload_inline(5, 200000, 0, "x"); });
  client->hold_bulk(true);
  TestSession other(*backend);
  for (uint64_t request = 1; request <= 3; ++request) {
    client->send([&](wire::RecordWriter& out) { out.fetch(request, bytes_of(5, 200000)); });
  }
  client->value(1);
  for (int i = 0; i < 5; ++i) other.synchronize();
  EXPECT_EQ(client->bulk_count(), 1u);
  client->hold_bulk(false);
  client->value(2);
  client->value(3);
}

TEST_F(SessionTest, SessionsTakeTurns) {
  const auto matrix = client->call(
      "aten::ones", "",
      {c10::IValue(std::vector<int64_t>{256, 256}), c10::IValue(6), c10::IValue(), c10::IValue(), c10::IValue()},
      ScalarType::Float, {256, 256});
  const auto product = client->fresh(ScalarType::Float, {256, 256});
  client->run("aten::mm", "out", {matrix, matrix, product});
  client->synchronize();
  uint64_t last = 0;
  for (int i = 0; i < 400; ++i) last = client->run("aten::mm", "out", {matrix, matrix, TestSession::known(product)});
  TestSession other(*backend);
  for (int i = 0; i < 3; ++i) other.synchronize();
  EXPECT_LT(client->executed(), last) << "the other session had to wait for all of it";
  client->synchronize();
}

TEST_F(SessionTest, AFreshStorageNeverShowsWhatAnotherSessionHeld) {
  const std::string secret(1 << 20, 'S');
  {
    TestSession other(*backend);
    for (int i = 0; i < 8; ++i) {
      ASSERT_TRUE(other.session->supply({static_cast<uint64_t>(i) + 1, secret.size(), 0, secret}).ok());
      other.send([&](wire::RecordWriter& out) {
        out.upload_transfer(other.next_id(), secret.size(), 0, i + 1, secret.size());
      });
    }
    other.synchronize();
  }
  const std::string zeros(secret.size(), '\0');
  for (int i = 0; i < 8; ++i) {
    auto fresh = client->fresh(ScalarType::Byte, {static_cast<int64_t>(secret.size())});
    EXPECT_TRUE(client->fetch(fresh).bytes == zeros);
  }
  // Partly written, read through an op, or grown.
  client->send([&](wire::RecordWriter& out) {
    out.upload_inline(50, secret.size(), 0, "x");
    out.resize(51, 10, secret.size());
  });
  EXPECT_TRUE(client->fetch(bytes_of(50, secret.size())).bytes == "x" + zeros.substr(1));
  EXPECT_TRUE(client->fetch(bytes_of(51, secret.size())).bytes == zeros);
  const auto fresh = client->fresh(ScalarType::Float, {1000});
  const auto sum = client->call("aten::sum", "", {fresh, c10::IValue()}, ScalarType::Float, {});
  EXPECT_TRUE(same(client->read(sum), at::scalar_tensor(0.f)));
}

TEST_F(SessionTest, ACounterOfEachKindReturnsToZero) {
  {
    TestSession other(*backend);
    for (int i = 0; i < 1000; ++i) {
      const auto a = other.floats({1, 2, 3});
      const auto b = other.call("aten::neg", "", {a}, ScalarType::Float, {3});
      other.send([&](wire::RecordWriter& out) { out.release({a.storage, b.storage}); });
    }
    const auto statistics = other.statistics();
    EXPECT_EQ(statistics.storages, 0u);
    EXPECT_EQ(statistics.storage_bytes, 0u);
    EXPECT_EQ(statistics.ops, 1000u);
    other.floats({1, 2, 3});
    other.synchronize();
    EXPECT_EQ(backend->statistics().storage_bytes, 12u);
  }
  EXPECT_EQ(backend->statistics().storages, 0u);
  EXPECT_EQ(backend->statistics().storage_bytes, 0u);
  EXPECT_EQ(backend->statistics().sessions, 1u);
  EXPECT_EQ(backend->statistics().sessions_opened, 2u);
  EXPECT_EQ(backend->statistics().ops, 1000u);
}

TEST_F(SessionTest, ALostClientsStateStaysForItsLeaseAndNoLonger) {
  BackendOptions options;
  options.lease_ms = 300;
  start(options);
  TestSession other(*backend);
  other.floats({1, 2});
  other.synchronize();
  other.session->disconnect(/*keep_lease=*/true);
  EXPECT_EQ(backend->statistics().storages, 1u);
  EXPECT_EQ(backend->statistics().sessions, 2u);
  EXPECT_TRUE(reaches([](const auto& now) { return now.storages == 0 && now.sessions == 1; }));
}

TEST_F(SessionTest, ADisconnectedSessionTouchesSourceAndSinkNoMore) {
  auto other = std::make_unique<TestSession>(*backend);
  for (int i = 0; i < 20000; ++i) other->queue([&](wire::RecordWriter& out) { out.define_scope(1, "net"); });
  other->session->wake();
  other->session->disconnect(/*keep_lease=*/false);
  const uint64_t replies = other->replies();
  other->send([](wire::RecordWriter& out) { out.synchronize(1); });
  client->synchronize();
  EXPECT_EQ(other->replies(), replies);
}

/// Disconnects its session as soon as it hears from it.
class HastyCarrier final : public wire::RecordSource, public SessionSink {
 public:
  std::optional<wire::Batch> take(size_t) override {
    if (std::exchange(taken, true)) return std::nullopt;
    wire::RecordWriter out;
    for (int i = 0; i < 100; ++i) out.synchronize(1);
    out.begin_run(99, 0);
    return out.take(1);
  }
  void on_reply(wire::Reply) override {
    ++replies;
    session->disconnect(/*keep_lease=*/false);
  }
  void on_bulk(uint64_t, std::shared_ptr<const void>, const void*, uint64_t) override {}

  std::shared_ptr<Session> session;
  bool taken = false;
  std::atomic<int> replies{0};
};

TEST_F(SessionTest, ACarrierMayDisconnectFromWithinItsCallback) {
  const auto carrier = std::make_shared<HastyCarrier>();
  carrier->session = backend->open(TestSession::make_hello(), carrier, carrier).value();
  carrier->session->wake();
  EXPECT_TRUE(reaches([](const auto& now) { return now.sessions == 1; }));
  EXPECT_EQ(carrier->replies, 1);
  carrier->session.reset();
}

TEST_F(SessionTest, DrainTakesNoNewSessionAndWaitsForTheOpenOnes) {
  TestSession leased(*backend);
  leased.session->disconnect(/*keep_lease=*/true);
  EXPECT_FALSE(backend->drain(50)) << "a session is open";
  EXPECT_EQ(TestSession(*backend).status.code(), StatusCode::kUnavailable);
  client->synchronize();
  std::thread closer([&] { client->session->disconnect(/*keep_lease=*/true); });
  EXPECT_TRUE(backend->drain(10000));
  closer.join();
}

TEST_F(SessionTest, TheHandleOutlivesTheBackend) {
  TestSession other(*backend);
  other.floats({1, 2});
  client.reset();
  backend.reset();
  other.session->wake();
  EXPECT_FALSE(other.session->supply({1, 4, 0, "abcd"}).ok());
}

TEST_F(SessionTest, ManySessionsComeAndGoFromManyThreads) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int round = 0; round < 25; ++round) {
        TestSession other(*backend);
        const auto a = other.floats({1, 2});
        const auto b = other.call("aten::add", "Tensor", {a, a, c10::IValue(1)}, ScalarType::Float, {2});
        EXPECT_TRUE(same(other.read(b), at::tensor({2.f, 4.f})));
        if (round % 2 == 0) other.send([&](wire::RecordWriter& out) { out.fetch(1000, a); });
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(backend->statistics().sessions, 1u);
  EXPECT_EQ(backend->statistics().storages, 0u);
}

}  // namespace
}  // namespace remote::worker
