#include <gmock/gmock.h>

#include <remote/wire/record.h>

namespace remote::wire {
namespace {

TEST(RecordTest, ABatchHasTheRecordsInOrderAndTheirCount) {
  RecordWriter out;
  out.clear_errors();
  out.synchronize(5);
  out.release({7, 8});
  EXPECT_EQ(out.record_count(), 3u);
  const Batch batch = out.take(11);
  EXPECT_EQ(batch.first_sequence, 11u);
  EXPECT_EQ(batch.record_count, 3u);
  ByteReader in(batch.bytes);
  EXPECT_EQ(in.u8(), static_cast<uint8_t>(Verb::kClearErrors));
  EXPECT_EQ(in.u8(), static_cast<uint8_t>(Verb::kSynchronize));
  EXPECT_EQ(in.varint(), 5u);
  EXPECT_EQ(in.u8(), static_cast<uint8_t>(Verb::kRelease));
  EXPECT_EQ(in.varint(), 2u);
  EXPECT_EQ(in.u64(), 7u);
  EXPECT_EQ(in.u64(), 8u);
  EXPECT_TRUE(in.ok() && in.done());
  EXPECT_EQ(out.record_count(), 0u);
  EXPECT_EQ(out.size(), 0u);
}

TEST(RecordTest, ARecordThatCanNotBeFinishedLeavesNothing) {
  RecordWriter out, expected;
  for (auto* writer : {&out, &expected}) writer->seed(0, 3);
  const size_t size = out.size();
  const uint32_t records = out.record_count();
  out.begin_run(4, 0);
  out.out().string("half an argument");
  out.rollback(size, records);
  for (auto* writer : {&out, &expected}) writer->clear_errors();
  const Batch batch = out.take(1);
  EXPECT_EQ(batch.bytes, expected.take(1).bytes);
  EXPECT_EQ(batch.record_count, 2u);
}

TEST(RecordTest, AnUploadSaysWhetherItsStorageIsNew) {
  RecordWriter out;
  out.upload_inline(3, 100, 4, "abcd");
  out.upload_transfer(3, std::nullopt, 8, 9, 50);
  const Batch batch = out.take(1);
  ByteReader in(batch.bytes);
  EXPECT_EQ(in.u8(), static_cast<uint8_t>(Verb::kUpload));
  EXPECT_EQ(in.u64(), 3u);
  EXPECT_EQ(in.u8(), 1u);
  EXPECT_EQ(in.varint(), 100u);
  EXPECT_EQ(in.varint(), 4u);
  EXPECT_EQ(in.varint(), 0u);
  EXPECT_EQ(in.string(10), "abcd");
  EXPECT_EQ(in.u8(), static_cast<uint8_t>(Verb::kUpload));
  EXPECT_EQ(in.u64(), 3u);
  EXPECT_EQ(in.u8(), 0u);
  EXPECT_EQ(in.varint(), 8u);
  EXPECT_EQ(in.varint(), 9u);
  EXPECT_EQ(in.varint(), 50u);
  EXPECT_TRUE(in.ok() && in.done());
}

}  // namespace
}  // namespace remote::wire
