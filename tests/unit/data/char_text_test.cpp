#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include <remote/data/char_text.h>
#include <remote/data/utf8.h>
#include <remote/device/error.h>

#include "error_of.h"
#include "tests/support/temporary_folder.h"

namespace remote::data {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using remote::testing::error_of;

TEST(Utf8Test, EveryLengthDecodesAndEncodesBack) {
  const std::string text = "a\u00e9\u20ac\U0001F600";
  const std::vector<uint32_t> code_points = decode_utf8(text, "text");
  EXPECT_THAT(code_points, ElementsAre(0x61, 0xe9, 0x20ac, 0x1F600));
  std::string back;
  for (uint32_t code_point : code_points) append_utf8(back, code_point);
  EXPECT_EQ(back, text);
}

TEST(Utf8Test, FaultsAreFoundAtTheirByte) {
  const std::vector<std::string> faults = {
      "ab\x80",              // a continuation byte that continues nothing
      "ab\xc3",              // cut short
      "ab\xc3(",             // not continued
      "ab\xc0\xaf",          // an overlong form
      "ab\xe0\x80\xaf",      // another
      "ab\xed\xa0\x80",      // a surrogate
      "ab\xf4\x90\x80\x80",  // above U+10FFFF
      "ab\xff",
  };
  for (const std::string& fault : faults) {
    EXPECT_THAT(error_of([&] { decode_utf8(fault, "the text"); }), HasSubstr("the text is not UTF-8: byte 2")) << fault;
  }
}

CharTextOptions small_blocks() {
  CharTextOptions options;
  options.block_size = 4;
  options.val_fraction = 0.25;
  return options;
}

TEST(CharTextTest, TheVocabularyIsSortedByCodePoint) {
  const Splits splits = split_text("zzyyxx\u00e9\u00e9aabbccddeeffgg\n\n", "text", small_blocks(), at::kCPU);
  EXPECT_EQ(splits.metadata.at("vocabulary"), "\nabcdefgxyz\u00e9");
  EXPECT_EQ(splits.num_classes, 12);
  EXPECT_EQ(splits.purpose, Purpose::kLanguageModelling);
}

TEST(CharTextTest, ATargetIsTheInputOneCharacterFurtherOn) {
  const Splits splits = split_text("abcdefghijklmnopqrstuvwxyz", "text", small_blocks(), at::kCPU);
  const Batch batch = splits.train->gather({0, 7});
  EXPECT_EQ(batch.input.sizes(), at::IntArrayRef({2, 4}));
  EXPECT_TRUE(batch.input.equal(at::tensor({0, 1, 2, 3, 7, 8, 9, 10}, at::kLong).view({2, 4})));
  EXPECT_TRUE(batch.target.equal(batch.input.add(1)));
}

TEST(CharTextTest, TheSplitsShareNoCharacter) {
  const Splits splits = split_text("abcdefghijklmnopqrst", "text", small_blocks(), at::kCPU);
  // 15 characters to train: the last block begins at 10 and its target ends at 14, the next character is the first of
  // the validation.
  EXPECT_EQ(splits.train->size(), 11);
  EXPECT_EQ(splits.train->gather({10}).target[0][3].item<int>(), 14);
  EXPECT_EQ(splits.val->gather({0}).input[0][0].item<int>(), 15);
}

TEST(CharTextTest, ATextTooShortSaysWhatItHas) {
  EXPECT_THAT(error_of([] { split_text("abcdefgh", "the text", small_blocks(), at::kCPU); }),
              AllOf(HasSubstr("8 characters make 6 for training and 2 for validation"), HasSubstr("block_size")));
}

TEST(CharTextTest, AMissingFileAndAFolderAreNamed) {
  remote::test::TemporaryFolder folder;
  CharTextOptions options;
  options.path = folder.path() / "none.txt";
  EXPECT_THAT(error_of([&] { load(options, at::kCPU); }), AllOf(HasSubstr("none.txt"), HasSubstr("No such file")));
  options.path = folder.path();
  EXPECT_THAT(error_of([&] { load(options, at::kCPU); }), HasSubstr("Is a directory"));
}

TEST(CharTextTest, AFileIsReadWhole) {
  remote::test::TemporaryFolder folder;
  CharTextOptions options = small_blocks();
  options.path = folder.path() / "text.txt";
  std::ofstream(options.path) << std::string(200000, 'a') << "b";
  const Splits splits = load(options, at::kCPU);
  EXPECT_EQ(splits.train->size() + splits.val->size(), 200001 - 8);
  EXPECT_EQ(splits.metadata.at("vocabulary"), "ab");
}

}  // namespace
}  // namespace remote::data
