#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <remote/data/idx.h>
#include <remote/data/idx_images.h>
#include <remote/device/error.h>

#include "error_of.h"
#include "tests/support/temporary_folder.h"

namespace remote::data {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using remote::testing::error_of;

std::string idx_bytes(std::vector<uint32_t> dims, const std::string& values, char type = 0x08) {
  std::string bytes{0, 0, type, static_cast<char>(dims.size())};
  for (uint32_t dim : dims) {
    for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(dim >> shift & 0xFF);
  }
  return bytes + values;
}

class IdxTest : public ::testing::Test {
 protected:
  std::string write(const std::string& name, const std::string& bytes, bool gzip = true) {
    const std::string path = folder_.path() / name;
    gzFile file = gzopen(path.c_str(), gzip ? "wb" : "wbT");
    gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size()));
    gzclose(file);
    return path;
  }
  static void cut(const std::string& path, int64_t bytes_less) {
    std::filesystem::resize_file(path, std::filesystem::file_size(path) - static_cast<uint64_t>(bytes_less));
  }

  remote::test::TemporaryFolder folder_;
};

TEST_F(IdxTest, ReadsGzippedAndPlainFilesAlike) {
  const std::string bytes = idx_bytes({2, 2, 3}, "abcdefghijkl");
  const at::Tensor gzipped = read_idx(write("a.gz", bytes), 3), plain = read_idx(write("b", bytes, false), 3);
  EXPECT_EQ(gzipped.sizes(), at::IntArrayRef({2, 2, 3}));
  EXPECT_EQ(gzipped[1][0][2].item<int>(), 'i');
  EXPECT_TRUE(gzipped.equal(plain));
}

TEST_F(IdxTest, AMissingFileIsNamedWithItsReason) {
  const std::string path = folder_.path() / "none.gz";
  EXPECT_THAT(error_of([&] { read_idx(path, 1); }), AllOf(HasSubstr(path), HasSubstr("No such file")));
}

TEST_F(IdxTest, AFolderIsNoFile) {
  EXPECT_THAT(error_of([&] { read_idx(folder_.path(), 1); }), HasSubstr("can't be read"));
}

TEST_F(IdxTest, AnEmptyFileIsNoIdxFile) {
  EXPECT_THAT(error_of([&] { read_idx(write("empty", "", false), 1); }), HasSubstr("only 0 bytes"));
}

TEST_F(IdxTest, AnotherMagicNumberIsShownBesideTheExpectedOne) {
  const std::string path = write("a.gz", idx_bytes({2}, "ab", 0x0D));
  EXPECT_THAT(error_of([&] { read_idx(path, 1); }), AllOf(HasSubstr("0x00000801"), HasSubstr("0x00000d01")));
}

TEST_F(IdxTest, LabelsInPlaceOfImagesAreSuspected) {
  const std::string path = write("a.gz", idx_bytes({2}, "ab"));
  EXPECT_THAT(error_of([&] { read_idx(path, 3); }), HasSubstr("are images and labels swapped?"));
}

TEST_F(IdxTest, AGzipStreamThatBreaksOffIsTruncated) {
  const std::string path = write("a.gz", idx_bytes({1000}, std::string(1000, 'x')));
  cut(path, 12);
  EXPECT_THAT(error_of([&] { read_idx(path, 1); }), AllOf(HasSubstr(path), HasSubstr("is truncated")));
}

TEST_F(IdxTest, TooFewValuesAreCounted) {
  EXPECT_THAT(error_of([&] { read_idx(write("a.gz", idx_bytes({10}, "abc")), 1); }),
              HasSubstr("expected 10 bytes after its header, found 3"));
}

TEST_F(IdxTest, TooManyValuesAreAnError) {
  EXPECT_THAT(error_of([&] { read_idx(write("a.gz", idx_bytes({2}, "abc")), 1); }), HasSubstr("found more"));
}

TEST_F(IdxTest, AHeaderCutShortIsTruncated) {
  EXPECT_THAT(error_of([&] { read_idx(write("a.gz", idx_bytes({2}, "").substr(0, 6)), 1); }),
              HasSubstr("ends within its header"));
}

TEST_F(IdxTest, AHugePromiseAllocatesNothing) {
  EXPECT_THAT(error_of([&] { read_idx(write("a.gz", idx_bytes({0xFFFFFFFF, 0xFFFFFFFF, 9}, "x")), 3); }),
              HasSubstr("header promises more than"));
  EXPECT_THAT(error_of([&] { read_idx(write("b.gz", idx_bytes({0xFFFFFFFF, 64, 1}, "x")), 3); }),
              HasSubstr("is truncated: expected 274877906880 bytes"));
}

TEST_F(IdxTest, AChangedByteFailsTheChecksum) {
  const std::string path = write("a.gz", idx_bytes({1000}, std::string(1000, 'x')));
  std::FILE* file = std::fopen(path.c_str(), "r+b");
  std::fseek(file, -6, SEEK_END);
  std::fputc('?', file);
  std::fclose(file);
  EXPECT_THAT(error_of([&] { read_idx(path, 1); }), AllOf(HasSubstr(path), HasSubstr("is corrupt")));
}

class IdxImagesTest : public IdxTest {
 protected:
  IdxImagesTest() {
    options_.path = folder_.path();
    write(options_.train_images, idx_bytes({3, 1, 2}, std::string("\0\xff\x33\x66\x99\xcc", 6)));
    write(options_.train_labels, idx_bytes({3}, std::string("\2\0\1", 3)));
    write(options_.test_images, idx_bytes({1, 1, 2}, "ab"));
    write(options_.test_labels, idx_bytes({1}, std::string("\1", 1)));
    options_.num_classes = 3;
  }
  IdxImagesOptions options_;
};

TEST_F(IdxImagesTest, ABatchIsGatheredByIndexAndNormalised) {
  const Splits splits = load(options_, at::kCPU);
  EXPECT_EQ(splits.train->size(), 3);
  EXPECT_EQ(splits.val->size(), 1);
  const Batch batch = splits.train->gather({2, 0});
  EXPECT_EQ(batch.input.sizes(), at::IntArrayRef({2, 1, 1, 2}));
  EXPECT_EQ(batch.input.scalar_type(), at::kFloat);
  EXPECT_NEAR(batch.input[0][0][0][1].item<double>(), (0xcc / 255.0 - 0.2860) / 0.3530, 1e-6);
  EXPECT_NEAR(batch.input[1][0][0][0].item<double>(), -0.2860 / 0.3530, 1e-6);
  EXPECT_EQ(batch.target.scalar_type(), at::kLong);
  EXPECT_EQ(batch.target[0].item<int>(), 1);
  EXPECT_EQ(batch.target[1].item<int>(), 2);
}

TEST_F(IdxImagesTest, ImagesWithoutLabelsAreCounted) {
  write(options_.test_labels, idx_bytes({2}, std::string(2, '\0')));
  EXPECT_THAT(error_of([&] { load(options_, at::kCPU); }), AllOf(HasSubstr("1 images"), HasSubstr("2 labels")));
}

TEST_F(IdxImagesTest, ALabelBeyondTheClassesIsAnError) {
  options_.num_classes = 2;
  EXPECT_THAT(error_of([&] { load(options_, at::kCPU); }), AllOf(HasSubstr("label 2"), HasSubstr("0 to 1")));
}

}  // namespace
}  // namespace remote::data
