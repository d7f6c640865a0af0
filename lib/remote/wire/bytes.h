#pragma once
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

namespace remote::wire {

/// Appends little-endian fields to a growing buffer. Not thread-safe.
class ByteWriter {
 public:
  void u8(uint8_t value) { *reserve(1) = value, size_ += 1; }
  void u32(uint32_t value) { fixed(value); }
  void u64(uint64_t value) { fixed(value); }
  void f64(double value) { fixed(value); }
  /// LEB128: seven bits a byte, low bits first.
  void varint(uint64_t value) {
    uint8_t* out = reserve(10);
    size_t n = 0;
    while (value >= 0x80) out[n++] = static_cast<uint8_t>(value) | 0x80, value >>= 7;
    out[n++] = static_cast<uint8_t>(value);
    size_ += n;
  }
  /// Zigzag, then varint: small magnitudes of either sign take few bytes.
  void svarint(int64_t value) { varint((static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63)); }
  void raw(const void* data, size_t size) {
    if (size != 0) std::memcpy(reserve(size), data, size);
    size_ += size;
  }
  void string(std::string_view text) {
    varint(text.size());
    raw(text.data(), text.size());
  }

  size_t size() const { return size_; }
  /// Forgets what was written after the first `size` bytes.
  void truncate(size_t size) { size_ = size; }
  /// Overwrites one byte that was written before.
  void patch_u8(size_t position, uint8_t value) { buffer_[position] = static_cast<char>(value); }
  /// The bytes so far; the writer is empty afterwards.
  std::string take() {
    buffer_.resize(size_);
    size_ = 0;
    return std::exchange(buffer_, {});
  }

 private:
  template <class T>
  void fixed(T value) {
    std::memcpy(reserve(sizeof value), &value, sizeof value);
    size_ += sizeof value;
  }
  uint8_t* reserve(size_t more) {
    if (size_ + more > buffer_.size()) [[unlikely]]
      grow(more);
    return reinterpret_cast<uint8_t*>(buffer_.data()) + size_;
  }

  [[gnu::noinline]] void grow(size_t more) { buffer_.resize(std::max(size_ + more, buffer_.size() * 2 + 4096)); }

  std::string buffer_;  // longer than what was written: growing by resize() keeps appends cheap
  size_t size_ = 0;
};

/// Reads what ByteWriter wrote, from bytes that nobody vouches for. After the first field that does not fit, ok() is
/// false and every read returns zero or empty; a caller may read on and check once. Does not own the bytes.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  uint8_t u8() { return fixed<uint8_t>(); }
  /// The next byte without reading it; 0 at the end.
  uint8_t peek() const { return done() ? 0 : static_cast<uint8_t>(*at_); }
  uint32_t u32() { return fixed<uint32_t>(); }
  uint64_t u64() { return fixed<uint64_t>(); }
  double f64() { return fixed<double>(); }
  uint64_t varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const uint8_t byte = u8();
      // The tenth byte may only hold the top bit: anything more would overflow silently.
      if (shift == 63 && byte > 1) return fail(), 0;
      value |= uint64_t{byte & 0x7fu} << shift;
      if ((byte & 0x80) == 0) return value;
    }
    return fail(), 0;
  }
  int64_t svarint() {
    const uint64_t value = varint();
    return static_cast<int64_t>(value >> 1) ^ -static_cast<int64_t>(value & 1);
  }
  std::string_view raw(uint64_t size) {
    if (size > remaining()) return fail(), std::string_view();
    std::string_view bytes(at_, size);
    at_ += size;
    return bytes;
  }
  /// A string of at most `max_bytes`.
  std::string_view string(size_t max_bytes) {
    const uint64_t size = varint();
    if (size > max_bytes) return fail(), std::string_view();
    return raw(size);
  }
  /// A count of things that take at least one byte each.
  size_t count(size_t max) {
    const uint64_t n = varint();
    if (n > max || n > remaining()) return fail(), 0;
    return n;
  }

  bool ok() const { return ok_; }
  bool done() const { return at_ == end_; }
  size_t remaining() const { return static_cast<size_t>(end_ - at_); }
  void fail() { ok_ = false, at_ = end_; }

 private:
  template <class T>
  T fixed() {
    T value{};
    if (remaining() < sizeof value) return fail(), T{};
    std::memcpy(&value, at_, sizeof value);
    at_ += sizeof value;
    return value;
  }

  const char* at_;
  const char* end_;
  bool ok_ = true;
};

}  // namespace remote::wire
