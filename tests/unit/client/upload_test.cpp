#include <gmock/gmock.h>

#include <numeric>

#include "fake_connection.h"

namespace remote::client {
namespace {

using wire::RecordWriter;

std::string pattern(size_t bytes) {
  std::string text(bytes, '\0');
  for (size_t i = 0; i < bytes; ++i) text[i] = static_cast<char>(i * 131 + (i >> 13));
  return text;
}

TEST(UploadTest, ASmallUploadTravelsInItsRecord) {
  FakeSession fake;
  ASSERT_TRUE(fake->upload(7, length(100), 4, "abcd", 4).ok());
  EXPECT_EQ(fake.connection->take_all(), bytes_of([](RecordWriter& out) { out.upload_inline(7, 100, 4, "abcd"); }));
  EXPECT_EQ(fake->counters().uploads, 1u);
  EXPECT_EQ(fake->counters().upload_bytes, 4u);
}

TEST(UploadTest, AnEmptyUploadIsNoRecord) {
  FakeSession fake;
  ASSERT_TRUE(fake->upload(7, length(100), 0, nullptr, 0).ok());
  EXPECT_EQ(fake.connection->take_all(), "");
}

TEST(UploadTest, ALargeUploadIsSeveralTransfersAndOnlyTheFirstMakesTheStorage) {
  FakeSession fake;
  const std::string data = pattern(wire::kTransferBytes + 5);
  size_t largest = 0;
  fake.connection->on_chunk_sent = [&](const wire::Chunk& chunk) {
    largest = std::max(largest, chunk.bytes.size());
    return Status();
  };
  ASSERT_TRUE(fake->upload(7, length(data.size()), 0, data.data(), data.size()).ok());
  EXPECT_EQ(fake.connection->take_all(), bytes_of([&](RecordWriter& out) {
              out.upload_transfer(7, data.size(), 0, 1, wire::kTransferBytes);
              out.upload_transfer(7, std::nullopt, wire::kTransferBytes, 2, 5);
            }));
  EXPECT_TRUE(fake.connection->uploaded(1) + fake.connection->uploaded(2) == data);
  EXPECT_EQ(largest, wire::kChunkBytes);
}

TEST(UploadTest, BytesOfUnexecutedUploadsAreBounded) {
  wire::Limits limits;
  limits.max_inflight_transfer_bytes = 2 * wire::kTransferBytes;
  FakeSession fake(limits);
  const std::string data(4 * wire::kTransferBytes, 'x');
  std::atomic<bool> done{false};
  std::thread uploader([&] {
    EXPECT_TRUE(fake->upload(7, length(data.size()), 0, data.data(), data.size()).ok());
    done = true;
  });
  ASSERT_TRUE(eventually([&] { return fake->counters().credit_waits == 1; }));
  EXPECT_EQ(fake.connection->uploaded(2).size(), wire::kTransferBytes);
  EXPECT_EQ(fake.connection->uploaded(3).size(), 0u);
  fake.connection->reply_executed(1);
  ASSERT_TRUE(eventually([&] { return fake->counters().credit_waits == 2; }));
  EXPECT_EQ(fake.connection->uploaded(3).size(), wire::kTransferBytes);
  EXPECT_FALSE(done);
  fake.connection->reply_executed(2);
  uploader.join();
}

TEST(UploadTest, APieceLargerThanTheLimitGoesAlone) {
  wire::Limits limits;
  limits.max_inflight_transfer_bytes = 1;
  FakeSession fake(limits);
  const std::string data(wire::kInlineBytes + 1, 'x');
  EXPECT_TRUE(fake->upload(7, length(data.size()), 0, data.data(), data.size()).ok());
}

TEST(UploadTest, RecordsOfOthersPassAnUploadThatIsStillSending) {
  FakeSession fake;
  const std::string data(wire::kInlineBytes + 1, 'x');
  fake.connection->on_chunk_sent = [&](const wire::Chunk&) {
    EXPECT_TRUE(fake.record(5).ok());  // would hang if the upload held the stream's lock
    return Status();
  };
  ASSERT_TRUE(fake->upload(7, length(data.size()), 0, data.data(), data.size()).ok());
  EXPECT_EQ(fake.connection->take_all(), bytes_of([&](RecordWriter& out) {
              out.upload_transfer(7, data.size(), 0, 1, data.size());
              out.seed(5, 5);
            }));
}

TEST(UploadTest, ABrokenBulkConnectionEndsTheSession) {
  FakeSession fake;
  fake.connection->on_chunk_sent = [](const wire::Chunk&) { return Status(StatusCode::kUnavailable, "cut"); };
  const std::string data(wire::kInlineBytes + 1, 'x');
  const Status status = fake->upload(7, length(data.size()), 0, data.data(), data.size());
  EXPECT_EQ(status.message(), "worker fake:1 is gone: cut; it had run 0 of 1 records");
  EXPECT_EQ(fake.record(1).status(), status);
}

TEST(FetchTest, AValueMayComeInPiecesBeforeOrAfterItsReply) {
  FakeSession fake;
  const std::string data = pattern(100000);
  for (const bool reply_first : {true, false}) {
    auto pending = fake->fetch(bytes_ref(data.size()));
    const uint64_t request = reply_first ? 1 : 2;
    if (reply_first) fake.connection->reply_bulk(request, data.size());
    for (size_t at = 0; at < data.size(); at += 40000) {
      EXPECT_FALSE(pending->ready());
      fake.connection->listener.on_chunk({request, data.size(), at, std::string_view(data).substr(at, 40000)});
    }
    EXPECT_EQ(pending->ready(), reply_first);
    if (!reply_first) fake.connection->reply_bulk(request, data.size());
    EXPECT_TRUE(pending->wait().value() == data);
  }
  EXPECT_EQ(fake->counters().fetches, 2u);
  EXPECT_EQ(fake->counters().fetch_bytes, 2 * data.size());
}

TEST(FetchTest, PiecesThatDoNotFitFailTheValueOnly) {
  const std::string data(50, 'x');
  const wire::Chunk wrong[] = {
      {1, 200, 0, data},   // another total
      {1, 100, 10, data},  // a gap
      {1, 100, UINT64_MAX, data},
      {1, 100, 0, std::string_view("y")},
  };
  for (const auto& chunk : wrong) {
    FakeSession fake;
    auto pending = fake->fetch(bytes_ref(100));
    fake.connection->listener.on_chunk(chunk);
    if (!pending->ready()) fake.connection->listener.on_chunk({1, 100, 0, data});  // overlaps the byte that came
    ASSERT_TRUE(pending->ready());
    EXPECT_EQ(pending->wait().status().code(), StatusCode::kDataLoss);
    EXPECT_TRUE(fake.record(1).ok());
  }
}

TEST(FetchTest, AnAnswerOfAnotherSizeFailsTheValue) {
  FakeSession fake;
  auto pending = fake->fetch(bytes_ref(10));
  fake.connection->reply_value(1, "abc");
  EXPECT_EQ(pending->wait().status().message(), "the worker answered a fetch of 10 bytes with 3");
  auto bulk = fake->fetch(bytes_ref(10));
  fake.connection->reply_bulk(2, uint64_t{1} << 60);
  EXPECT_EQ(bulk->wait().status().code(), StatusCode::kDataLoss);
}

TEST(FetchTest, AnswersToUnknownRequestsAreIgnored) {
  FakeSession fake;
  fake.connection->reply_value(99, "abc");
  fake.connection->listener.on_chunk({99, 3, 0, "abc"});
  EXPECT_TRUE(fake.record(1).ok());
}

TEST(FetchTest, AValueMayBeDroppedBeforeItComes) {
  FakeSession fake;
  fake->fetch(bytes_ref(3));
  fake.connection->reply_value(1, "abc");
  EXPECT_TRUE(fake.record(1).ok());
}

TEST(FetchTest, PastItsDeadlineAValueStaysUsable) {
  FakeSession fake;
  auto pending = fake->fetch(bytes_ref(3));
  EXPECT_EQ(pending->wait(PendingValue::Clock::now()).status().code(), StatusCode::kDeadlineExceeded);
  fake.connection->reply_value(1, "abc");
  EXPECT_EQ(pending->wait().value(), "abc");
}

}  // namespace
}  // namespace remote::client
