#include <gmock/gmock.h>

#include <limits>

#include <remote/wire/bytes.h>

namespace remote::wire {
namespace {

TEST(BytesTest, EveryFieldComesBackAsItWasWritten) {
  const uint64_t numbers[] = {0, 1, 127, 128, 16383, 16384, uint64_t{1} << 63, std::numeric_limits<uint64_t>::max()};
  const int64_t signed_numbers[] = {
      0, -1, 1, 63, -64, 64, std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max()};
  ByteWriter out;
  for (uint64_t number : numbers) out.varint(number);
  for (int64_t number : signed_numbers) out.svarint(number);
  out.u8(200);
  out.u32(0xdeadbeef);
  out.u64(uint64_t{1} << 40);
  out.f64(-0.5);
  out.string("text");
  const std::string bytes = out.take();
  ByteReader in(bytes);
  for (uint64_t number : numbers) EXPECT_EQ(in.varint(), number);
  for (int64_t number : signed_numbers) EXPECT_EQ(in.svarint(), number);
  EXPECT_EQ(in.u8(), 200);
  EXPECT_EQ(in.u32(), 0xdeadbeef);
  EXPECT_EQ(in.u64(), uint64_t{1} << 40);
  EXPECT_EQ(in.f64(), -0.5);
  EXPECT_EQ(in.peek(), 4);
  EXPECT_EQ(in.string(4), "text");
  EXPECT_TRUE(in.ok() && in.done());
  EXPECT_EQ(in.peek(), 0);
}

TEST(BytesTest, SmallNumbersTakeOneByte) {
  ByteWriter out;
  out.varint(127);
  out.svarint(-64);
  EXPECT_EQ(out.size(), 2u);
}

TEST(BytesTest, AReaderThatRanOutStaysFailedAndReturnsZero) {
  ByteReader in("abc");
  EXPECT_EQ(in.u64(), 0u);
  EXPECT_FALSE(in.ok());
  EXPECT_EQ(in.u8(), 0);
  EXPECT_EQ(in.raw(1), "");
  EXPECT_TRUE(in.done());
}

TEST(BytesTest, ANumberThatOverflowsFails) {
  ByteReader eleven(std::string_view("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11));
  eleven.varint();
  EXPECT_FALSE(eleven.ok());
  ByteReader too_large(std::string_view("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10));
  too_large.varint();
  EXPECT_FALSE(too_large.ok());
  ByteReader endless("\xff");
  endless.varint();
  EXPECT_FALSE(endless.ok());
}

TEST(BytesTest, StringsAndCountsBeyondTheirLimitOrTheBytesFail) {
  ByteWriter out;
  out.string("four");
  const std::string bytes = out.take();
  ByteReader limited(bytes);
  limited.string(3);
  EXPECT_FALSE(limited.ok());
  ByteReader cut(std::string_view(bytes).substr(0, 4));
  cut.string(100);
  EXPECT_FALSE(cut.ok());
  ByteReader count(std::string_view("\x05xyz", 4));
  EXPECT_EQ(count.count(100), 0u);
  EXPECT_FALSE(count.ok()) << "five things can't be in three bytes";
}

TEST(BytesTest, ATruncatedWriterGoesOnFromThere) {
  ByteWriter out;
  out.string("kept");
  const size_t size = out.size();
  out.string("dropped");
  out.truncate(size);
  out.u8(7);
  out.patch_u8(0, 3);
  EXPECT_EQ(out.take(), std::string("\x03kept\x07"));
  EXPECT_EQ(out.size(), 0u);
}

}  // namespace
}  // namespace remote::wire
