// Copies to other workers: what the sender reads and answers, and what becomes of an upload whose bytes don't come.
#include <thread>

#include "test_session.h"

namespace remote::worker {
namespace {

using testing::HasSubstr;

/// Hands bytes to a session in this process, from a thread of its own as a network would, or fails.
class FakePeers final : public Peers {
 public:
  ~FakePeers() override {
    for (auto& thread : threads_) thread.join();
  }
  void send(wire::Peer peer, uint64_t transfer, std::shared_ptr<const void> owner, const void* data, uint64_t bytes,
            Done done) override {
    threads_.emplace_back([this, peer, transfer, owner, data, bytes, done] {
      last = peer;
      if (status.ok() && bytes != 0)
        status = receiver->supply({transfer, bytes, 0, {static_cast<const char*>(data), bytes}});
      done(status);
    });
  }

  Session* receiver = nullptr;
  Status status;
  wire::Peer last;

 private:
  std::vector<std::thread> threads_;
};

class PeersTest : public testing::Test {
 protected:
  PeersTest() {
    options_.device = "cpu";
    options_.peers = peers_;
    sender_backend_ = Backend::create(options_).value();
    options_.peers = nullptr;
    receiver_backend_ = Backend::create(options_).value();
    sender_.emplace(*sender_backend_);
    receiver_.emplace(*receiver_backend_);
    peers_->receiver = receiver_->session.get();
  }

  /// Records an upload of 8 bytes at the receiver and the sending of `source` as those.
  wire::RequestedValue copy(const wire::TensorRef& source, uint64_t transfer) {
    receiver_->send([&](wire::RecordWriter& out) { out.upload_transfer(kTarget, 8, 0, transfer, 8); });
    const uint64_t request = sender_->next_request();
    sender_->send([&](wire::RecordWriter& out) {
      out.send_to_peer(request, source, {"elsewhere", 5, "secret"}, transfer);
    });
    return sender_->value(request);
  }

  static constexpr uint64_t kTarget = 1000;
  const std::shared_ptr<FakePeers> peers_ = std::make_shared<FakePeers>();
  BackendOptions options_;
  std::unique_ptr<Backend> sender_backend_, receiver_backend_;
  std::optional<TestSession> sender_, receiver_;
};

TEST_F(PeersTest, ValuesArriveWhereAnUploadWaitsForThem) {
  const auto source = sender_->floats({1, 2});
  EXPECT_TRUE(copy(source, 3).status.ok());
  EXPECT_EQ(peers_->last.address, "elsewhere");
  EXPECT_EQ(peers_->last.session, 5u);
  EXPECT_EQ(peers_->last.token, "secret");
  const auto target = TestSession::ref(kTarget, c10::ScalarType::Float, {2});
  EXPECT_TRUE(receiver_->read(target).equal(at::tensor({1.f, 2.f})));
}

TEST_F(PeersTest, ATransferThatIsGivenUpFailsItsUploadWithTheReason) {
  receiver_->send([&](wire::RecordWriter& out) { out.upload_transfer(kTarget, 8, 0, 3, 8); });
  ASSERT_TRUE(receiver_->session->supply({3, 8, 0, "abcd"}).ok());
  const auto code = static_cast<uint64_t>(StatusCode::kOutOfRange);
  ASSERT_TRUE(receiver_->session->supply({3, 0, code, "the root of it"}).ok());
  const Status status = receiver_->fetch_status(TestSession::ref(kTarget, c10::ScalarType::Float, {2}));
  EXPECT_EQ(status.code(), StatusCode::kOutOfRange);
  EXPECT_THAT(status.message(), HasSubstr("the root of it"));
  EXPECT_TRUE(receiver_->fetch_status(receiver_->floats({1})).ok()) << "the session goes on";
}

TEST_F(PeersTest, WhatCanNotBeReadOrSentIsAnsweredWithTheReason) {
  const auto unknown = TestSession::ref(77, c10::ScalarType::Float, {2});
  EXPECT_EQ(copy(unknown, 3).status.code(), StatusCode::kNotFound);
  peers_->status = {StatusCode::kUnavailable, "nobody there"};
  const Status status = copy(sender_->floats({1, 2}), 4).status;
  EXPECT_EQ(status.code(), StatusCode::kUnavailable);
  EXPECT_THAT(status.message(), HasSubstr("nobody there"));
  EXPECT_TRUE(sender_->fetch_status(sender_->floats({1})).ok());
}

TEST_F(PeersTest, AWorkerWithoutPeersSaysSo) {
  const auto source = receiver_->floats({1, 2});
  receiver_->send([&](wire::RecordWriter& out) { out.send_to_peer(90, source, {"elsewhere", 5, "secret"}, 3); });
  EXPECT_EQ(receiver_->value(90).status.code(), StatusCode::kUnimplemented);
}

TEST_F(PeersTest, MoreThanATransferMayHaveEndsTheSession) {
  auto huge = sender_->floats({1, 2});
  huge.sizes = {static_cast<int64_t>(wire::kTransferBytes)};
  huge.strides = {0};
  sender_->send([&](wire::RecordWriter& out) { out.send_to_peer(91, huge, {"elsewhere", 5, "secret"}, 3); });
  EXPECT_EQ(sender_->end_reason().code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace remote::worker
