#include <remote/data/idx.h>

#include <ATen/ATen.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <vector>

#include <remote/device/error.h>

namespace remote::data {
namespace {

constexpr size_t kChunkBytes = 4 << 20;
constexpr size_t kReservedBytes = 64 << 20;
constexpr int64_t kMaxBytes = int64_t{1} << 40;
constexpr uint8_t kUnsignedByte = 0x08;

/// A file that zlib reads; gzipped or not makes no difference.
class ByteReader {
 public:
  explicit ByteReader(const std::string& path) : path_(path), file_(gzopen(path.c_str(), "rb"), &gzclose_r) {
    if (!file_) fail(StatusCode::kNotFound, std::string("can't be opened: ") + std::strerror(errno));
    gzbuffer(file_.get(), 1 << 17);
  }

  /// Reads up to `bytes`; fewer only at the end of the file.
  size_t read(void* into, size_t bytes) {
    int got = gzread(file_.get(), into, static_cast<unsigned>(bytes));
    int error = Z_OK;
    const char* text = gzerror(file_.get(), &error);
    if (error == Z_BUF_ERROR) fail(StatusCode::kDataLoss, "is truncated: the gzip stream breaks off");
    if (error == Z_ERRNO) fail(StatusCode::kDataLoss, std::string("can't be read: ") + std::strerror(errno));
    if (error != Z_OK || got < 0) fail(StatusCode::kDataLoss, std::string("is corrupt: ") + text);
    return static_cast<size_t>(got);
  }

  [[noreturn]] void fail(StatusCode code, const std::string& what) const {
    throw_error(code, "the data file " + path_ + " " + what);
  }

 private:
  std::string path_;
  std::unique_ptr<gzFile_s, int (*)(gzFile)> file_;
};

int64_t big_endian(const uint8_t* bytes) {
  return int64_t{bytes[0]} << 24 | int64_t{bytes[1]} << 16 | int64_t{bytes[2]} << 8 | int64_t{bytes[3]};
}

std::string hex(const uint8_t* bytes, size_t count) {
  static const char* digits = "0123456789abcdef";
  std::string text = "0x";
  for (size_t i = 0; i < count; ++i) text += {digits[bytes[i] >> 4], digits[bytes[i] & 15]};
  return text;
}

std::vector<int64_t> read_shape(ByteReader& reader, int64_t dims) {
  uint8_t magic[4];
  const uint8_t expected[4] = {0, 0, kUnsignedByte, static_cast<uint8_t>(dims)};
  if (size_t got = reader.read(magic, 4); got < 4) {
    reader.fail(StatusCode::kDataLoss, "is no IDX file: it has only " + std::to_string(got) + " bytes");
  }
  if (!std::equal(magic, magic + 4, expected)) {
    reader.fail(StatusCode::kDataLoss,
                "is no IDX file of unsigned bytes with " + std::to_string(dims) +
                    " dimension(s): expected it to begin with " + hex(expected, 4) + ", found " + hex(magic, 4) +
                    (std::equal(magic, magic + 3, expected) ? "; are images and labels swapped?" : ""));
  }
  std::vector<int64_t> shape;
  int64_t bytes = 1;
  for (int64_t i = 0; i < dims; ++i) {
    uint8_t field[4];
    if (reader.read(field, 4) < 4) reader.fail(StatusCode::kDataLoss, "is truncated: it ends within its header");
    shape.push_back(big_endian(field));
    if (__builtin_mul_overflow(bytes, shape.back(), &bytes) || bytes > kMaxBytes) {
      reader.fail(StatusCode::kDataLoss,
                  "is corrupt: its header promises more than " + std::to_string(kMaxBytes) + " bytes");
    }
  }
  return shape;
}

}  // namespace

at::Tensor read_idx(const std::string& path, int64_t dims) {
  ByteReader reader(path);
  std::vector<int64_t> shape = read_shape(reader, dims);
  auto expected = static_cast<size_t>(c10::multiply_integers(shape));

  // Owned by the tensor in the end. Grows as the data come, and is moved seldom.
  const auto owner = std::make_shared<std::vector<uint8_t>>();
  std::vector<uint8_t>& values = *owner;
  values.reserve(std::min(expected, kReservedBytes));
  while (values.size() < expected) {
    size_t have = values.size(), want = std::min(kChunkBytes, expected - have);
    values.resize(have + want);
    size_t got = reader.read(values.data() + have, want);
    if (got < want) {
      reader.fail(StatusCode::kDataLoss, "is truncated: expected " + std::to_string(expected) +
                                             " bytes after its header, found " + std::to_string(have + got));
    }
  }
  uint8_t extra;
  if (reader.read(&extra, 1) != 0) {
    reader.fail(StatusCode::kDataLoss, "is corrupt: expected " + std::to_string(expected) +
                                           " bytes after its header, found more");
  }
  return at::from_blob(values.data(), shape, [owner](void*) {}, at::TensorOptions(at::kByte).device(at::kCPU));
}

}  // namespace remote::data
