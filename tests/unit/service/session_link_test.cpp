#include "worker/service/session_link.h"

#include <gmock/gmock.h>

#include <remote/wire/limits.h>

#include "fake_backend.h"

namespace remote::worker {
namespace {

class CountingCarrier final : public SessionLink::Carrier {
 public:
  void kick() override { ++kicks; }
  int kicks = 0;
};

class SessionLinkTest : public testing::Test {
 protected:
  void SetUp() override {
    link_->attach_stream(stream_);
    session_ = std::make_shared<FakeSession>(1, link_, link_);
    link_->bind(session_);
  }
  void TearDown() override { session_->disconnect(false); }

  static wire::Batch batch(uint64_t first, size_t bytes) { return {first, 1, std::string(bytes, 'r')}; }
  static wire::Reply value(uint64_t executed, size_t bytes) {
    wire::Reply reply;
    reply.received = reply.executed = executed;
    reply.values.resize(1);
    reply.values[0].request = executed;
    reply.values[0].bytes.assign(bytes, 'v');
    return reply;
  }

  const std::shared_ptr<SessionLink> link_ = std::make_shared<SessionLink>();
  const std::shared_ptr<CountingCarrier> stream_ = std::make_shared<CountingCarrier>();
  const std::shared_ptr<CountingCarrier> bulk_ = std::make_shared<CountingCarrier>();
  std::shared_ptr<FakeSession> session_;
};

TEST_F(SessionLinkTest, BatchesComeOutInOrderAndEachWakesTheSession) {
  link_->push(batch(1, 10));
  link_->push(batch(2, 10));
  EXPECT_EQ(session_->wakes(), 2);
  EXPECT_EQ(link_->take(1)->first_sequence, 1u);
  EXPECT_EQ(link_->take(1)->first_sequence, 2u);
  EXPECT_FALSE(link_->take(1));
}

TEST_F(SessionLinkTest, ReadingStopsWhileTooManyBatchesWaitAndGoesOnWhenOneIsTaken) {
  link_->push(batch(1, SessionLink::kMaxWaitingBatchBytes - 1));
  EXPECT_TRUE(link_->wants_batches());
  link_->push(batch(2, 1));
  EXPECT_FALSE(link_->wants_batches());
  const int kicks = stream_->kicks;
  ASSERT_TRUE(link_->take(1));
  EXPECT_TRUE(link_->wants_batches());
  EXPECT_EQ(stream_->kicks, kicks + 1) << "nobody told the stream that there is room again";
}

TEST_F(SessionLinkTest, WatermarksOfASlowClientBecomeOneReply) {
  for (uint64_t i = 1; i <= 1000; ++i) link_->on_reply({.received = i, .executed = i, .failures = {}, .values = {}});
  EXPECT_EQ(link_->next_reply()->executed, 1000u);
  EXPECT_FALSE(link_->next_reply());
}

TEST_F(SessionLinkTest, MergedRepliesKeepEveryValueInOrder) {
  for (uint64_t i = 1; i <= 100; ++i) link_->on_reply(value(i, 16 << 10));
  uint64_t next = 1;
  size_t replies = 0;
  while (const auto reply = link_->next_reply()) {
    ++replies;
    for (const auto& value : reply->values) EXPECT_EQ(value.request, next++);
    EXPECT_EQ(reply->executed, next - 1);
  }
  EXPECT_EQ(next, 101u);
  EXPECT_LT(replies, 20u);
}

TEST_F(SessionLinkTest, AClientThatReadsNoRepliesGetsNoMoreRecordsRunUntilItDoes) {
  uint64_t sequence = 0;
  for (uint64_t bytes = 0; bytes <= SessionLink::kMaxWaitingReplyBytes; bytes += 64 << 10) {
    link_->on_reply(value(++sequence, 64 << 10));
  }
  link_->push(batch(1, 10));
  EXPECT_FALSE(link_->take(1));
  const int wakes = session_->wakes();
  link_->settle();
  EXPECT_EQ(session_->wakes(), wakes) << "woken although the client is still behind";
  while (link_->next_reply()) {
  }
  link_->settle();
  EXPECT_EQ(session_->wakes(), wakes + 1);
  EXPECT_TRUE(link_->take(1));
}

TEST_F(SessionLinkTest, AClientThatReadsNoDownloadsGetsNoMoreRecordsRunUntilItDoes) {
  ASSERT_TRUE(link_->attach_bulk(bulk_));
  const auto bytes = std::make_shared<const std::string>(SessionLink::kMaxWaitingDownloadBytes + 1, 'd');
  link_->on_bulk(1, bytes, bytes->data(), bytes->size());
  link_->push(batch(1, 10));
  EXPECT_FALSE(link_->take(1));
  const int wakes = session_->wakes();
  ASSERT_TRUE(link_->next_piece());
  link_->settle();
  EXPECT_EQ(session_->wakes(), wakes + 1);
  EXPECT_TRUE(link_->take(1));
}

TEST_F(SessionLinkTest, ADownloadIsCutIntoChunksThatRefer) {
  ASSERT_TRUE(link_->attach_bulk(bulk_));
  const auto bytes = std::make_shared<const std::string>(2 * wire::kChunkBytes + 3, 'd');
  link_->on_bulk(9, bytes, bytes->data(), bytes->size());
  EXPECT_EQ(bulk_->kicks, 1);
  uint64_t offset = 0;
  for (const uint64_t size : {uint64_t{wire::kChunkBytes}, uint64_t{wire::kChunkBytes}, uint64_t{3}}) {
    const auto piece = link_->next_piece();
    ASSERT_TRUE(piece);
    EXPECT_EQ(piece->chunk.transfer, 9u);
    EXPECT_EQ(piece->chunk.total_bytes, bytes->size());
    EXPECT_EQ(piece->chunk.offset, offset);
    EXPECT_EQ(piece->chunk.bytes.data(), bytes->data() + offset) << "the bytes were copied";
    EXPECT_EQ(piece->chunk.bytes.size(), size);
    offset += size;
  }
  EXPECT_FALSE(link_->next_piece());
  EXPECT_EQ(bytes.use_count(), 1) << "a download that was sent is still held";
}

TEST_F(SessionLinkTest, OneBulkConnectionAndNoSecond) {
  EXPECT_TRUE(link_->attach_bulk(bulk_));
  EXPECT_FALSE(link_->attach_bulk(bulk_));
}

TEST_F(SessionLinkTest, AFailureOfTheSessionItselfEndsIt) {
  wire::Reply reply;
  reply.failures.push_back({0, {StatusCode::kInvalidArgument, "nonsense"}});
  link_->on_reply(std::move(reply));
  ASSERT_TRUE(link_->ended());
  EXPECT_EQ(link_->ended()->message(), "nonsense");
  link_->end({StatusCode::kUnavailable, "later"});
  EXPECT_EQ(link_->ended()->message(), "nonsense") << "the first reason counts";
}

TEST_F(SessionLinkTest, ClosingDropsWhatWaitsAndTellsTheBulkCall) {
  ASSERT_TRUE(link_->attach_bulk(bulk_));
  const auto bytes = std::make_shared<const std::string>(100, 'd');
  link_->on_bulk(1, bytes, bytes->data(), bytes->size());
  link_->on_reply(value(1, 10));
  link_->push(batch(1, 10));
  const int kicks = bulk_->kicks;
  link_->close();
  EXPECT_EQ(bulk_->kicks, kicks + 1);
  EXPECT_EQ(bytes.use_count(), 1);
  EXPECT_FALSE(link_->next_reply());
  EXPECT_FALSE(link_->take(1));
  EXPECT_FALSE(link_->wants_batches());
  link_->on_bulk(2, bytes, bytes->data(), bytes->size());
  EXPECT_EQ(bytes.use_count(), 1) << "a closed link took something in";
  EXPECT_EQ(link_->supply({1, 1, 0, "x"}).code(), StatusCode::kUnavailable);
}

}  // namespace
}  // namespace remote::worker
