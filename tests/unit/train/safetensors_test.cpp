#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include <remote/device/error.h>
#include <remote/train/files.h>
#include <remote/train/safetensors.h>

#include "tests/support/temporary_folder.h"

namespace remote::train {
namespace {

using ::testing::HasSubstr;

class SafetensorsTest : public ::testing::Test {
 protected:
  std::filesystem::path path() const { return folder_.path() / "x.safetensors"; }

  /// A file with this header and so many bytes of zeros behind it.
  void write_raw(const std::string& header, size_t data_bytes) {
    std::ofstream file(path(), std::ios::binary);
    const uint64_t length = header.size();
    file.write(reinterpret_cast<const char*>(&length), 8);
    file << header << std::string(data_bytes, '\0');
  }
  std::string fault() {
    try {
      read_safetensors(path());
      return "nothing";
    } catch (const Error& error) {
      EXPECT_THAT(error.status().message(), HasSubstr(path().string()));
      return error.status().message();
    }
  }

 private:
  remote::test::TemporaryFolder folder_;
};

TEST_F(SafetensorsTest, EveryDtypeComesBackBitForBit) {
  Safetensors contents;
  for (auto dtype : {at::kBool, at::kByte, at::kChar, at::kShort, at::kInt, at::kLong, at::kHalf, at::kBFloat16,
                     at::kFloat, at::kDouble, at::kComplexFloat}) {
    contents.tensors.push_back({std::string("t.") + c10::toString(dtype), at::arange(6).reshape({2, 3}).to(dtype)});
  }
  contents.tensors.push_back({"scalar", at::scalar_tensor(-0.0)});
  contents.tensors.push_back({"empty", at::empty({0, 4})});
  contents.tensors.push_back({"transposed", at::arange(6, at::kFloat).reshape({2, 3}).t()});
  contents.metadata = {{"vocabulary", "\n\"\u00e9"}};
  write_safetensors(path(), contents);

  const Safetensors read = read_safetensors(path());
  ASSERT_EQ(read.tensors.size(), contents.tensors.size());
  for (const NamedTensor& entry : read.tensors) {
    auto same = [&](const NamedTensor& other) { return other.name == entry.name; };
    const auto original = std::find_if(contents.tensors.begin(), contents.tensors.end(), same);
    ASSERT_NE(original, contents.tensors.end()) << entry.name;
    EXPECT_EQ(entry.tensor.scalar_type(), original->tensor.scalar_type()) << entry.name;
    EXPECT_TRUE(entry.tensor.equal(original->tensor)) << entry.name;
  }
  EXPECT_EQ(read.metadata, (std::map<std::string, std::string>{{"format", "pt"}, {"vocabulary", "\n\"\u00e9"}}));
}

TEST_F(SafetensorsTest, AChecksumShowsThatBytesHaveChanged) {
  const Safetensors contents{{{"a", at::arange(1000, at::kFloat)}, {"b", at::empty({0})}}, {{"vocabulary", "abc"}}};
  write_safetensors(path(), contents, Checksum::kXxh3);
  EXPECT_EQ(read_safetensors(path()).metadata,
            (std::map<std::string, std::string>{{"format", "pt"}, {"vocabulary", "abc"}}));
  std::string text = read_file(path());
  EXPECT_THAT(text, testing::HasSubstr("\"xxh3_128\":\""));
  text[text.size() - 1000] ^= 4;
  replace_file(path(), text);
  try {
    read_safetensors(path());
    FAIL() << "the change was not seen";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), StatusCode::kDataLoss);
    EXPECT_THAT(error.status().message(), testing::HasSubstr("checksum"));
  }
}

TEST_F(SafetensorsTest, TheFileIsThatOfTheReferenceWriter) {
  write_safetensors(path(), {{{"b", at::zeros({1})}, {"a", at::ones({2}, at::kLong)}}, {}});
  const std::string text = read_file(path());
  const std::string header =
      R"({"__metadata__":{"format":"pt"},"a":{"dtype":"I64","shape":[2],"data_offsets":[0,16]},)"
      R"("b":{"dtype":"F32","shape":[1],"data_offsets":[16,20]}})";
  EXPECT_EQ(text.substr(8, header.size()), header);
  EXPECT_EQ(static_cast<unsigned char>(text[0]) % 8, 0) << "data begin unaligned";
  EXPECT_EQ(text.size(), 8 + static_cast<unsigned char>(text[0]) + 20u);
}

TEST_F(SafetensorsTest, TheSameTensorsInAnyOrderMakeTheSameBytes) {
  const NamedTensor a{"a", at::ones({3})}, b{"b", at::zeros({2}, at::kLong)};
  write_safetensors(path(), {{a, b}, {}});
  const std::string first = read_file(path());
  write_safetensors(path(), {{b, a}, {}});
  EXPECT_EQ(read_file(path()), first);
}

TEST_F(SafetensorsTest, ReadsTheFormatsOwnExample) {
  write_raw(R"({"test":{"dtype":"I32","shape":[2,2],"data_offsets":[0,16]}})", 16);
  const Safetensors read = read_safetensors(path());
  ASSERT_EQ(read.tensors.size(), 1u);
  EXPECT_TRUE(read.tensors[0].tensor.equal(at::zeros({2, 2}, at::kInt)));
}

TEST_F(SafetensorsTest, WhatTheFormatForbidsIsRefusedByName) {
  const std::string good = R"({"dtype":"F32","shape":[1],"data_offsets":[0,4]})";
  const struct {
    std::string header;
    size_t data_bytes;
    const char* fault;
  } cases[] = {
      {R"([1])", 0, "does not begin with {"},
      {R"({"a":)", 0, "no valid JSON"},
      {"{\"a\":" + good + ",\"a\":" + good + "}", 4, "twice"},
      {R"({"a":{"dtype":"F99","shape":[1],"data_offsets":[0,4]}})", 4, "F99"},
      {R"({"a":{"shape":[1],"data_offsets":[0,4]}})", 4, "has no dtype"},
      {R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", 4, "whole number"},
      {R"({"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,4]}})", 4, "overflows"},
      {R"({"a":{"dtype":"F32","shape":[0,9223372036854775807,9],"data_offsets":[0,0]}})", 0, "overflows"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", 4, "need 8 bytes"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}})", 4, "data_offsets"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", 8, "hole"},
      {"{\"a\":" + good + ",\"b\":" + good + "}", 4, "overlaps"},
      {"{\"a\":" + good + "}", 8, "need 4 bytes of data, found 8"},
      {"{\"a\":" + good + "}", 2, "need 4 bytes of data, found 2"},
      {R"({"__metadata__":{"a":1}})", 0, "no text"},
  };
  for (const auto& bad : cases) {
    write_raw(bad.header, bad.data_bytes);
    EXPECT_THAT(fault(), HasSubstr(bad.fault)) << bad.header;
  }
}

TEST_F(SafetensorsTest, ALengthThatTheFileDoesNotHaveIsRefusedBeforeItIsAllocated) {
  std::ofstream(path(), std::ios::binary) << std::string(8, '\xff') << "{}";
  EXPECT_THAT(fault(), HasSubstr("expected a header of at most 2 bytes"));
  std::ofstream(path(), std::ios::binary | std::ios::trunc) << "abc";
  EXPECT_THAT(fault(), HasSubstr("only 3 bytes"));
  std::filesystem::remove(path());
  EXPECT_THAT(fault(), HasSubstr("No such file"));
}

TEST_F(SafetensorsTest, TwoTensorsOfOneNameAreRefused) {
  EXPECT_THROW(write_safetensors(path(), {{{"a", at::ones({1})}, {"a", at::ones({1})}}, {}}), c10::Error);
}

}  // namespace
}  // namespace remote::train
