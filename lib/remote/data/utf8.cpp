#include <remote/data/utf8.h>

#include <remote/device/error.h>

namespace remote::data {
namespace {

/// How many bytes the form has that begins with this byte; 0 for one that begins none.
int length_of(uint8_t first) {
  if (first < 0x80) return 1;
  if (first < 0xC2) return 0;  // a continuation byte, or an overlong form of ASCII
  if (first < 0xE0) return 2;
  if (first < 0xF0) return 3;
  return first < 0xF5 ? 4 : 0;
}

bool valid(uint32_t code_point, int length) {
  if (length == 3) return code_point >= 0x800 && (code_point < 0xD800 || code_point > 0xDFFF);
  return length < 4 || (code_point >= 0x10000 && code_point <= 0x10FFFF);
}

}  // namespace

std::vector<uint32_t> decode_utf8(std::string_view text, const std::string& name) {
  std::vector<uint32_t> result;
  result.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    auto byte = [&](size_t k) { return static_cast<uint8_t>(text[i + k]); };
    const int length = length_of(byte(0));
    bool good = length > 0 && i + length <= text.size();
    uint32_t code_point = length < 2 ? byte(0) : byte(0) & (0x7F >> length);
    for (int k = 1; good && k < length; ++k) {
      good = (byte(k) & 0xC0) == 0x80;
      code_point = code_point << 6 | (byte(k) & 0x3F);
    }
    if (!good || !valid(code_point, length)) {
      throw_error(StatusCode::kDataLoss, name + " is not UTF-8: byte " + std::to_string(i) +
                                             " begins no character. Convert it first, for instance with iconv");
    }
    result.push_back(code_point);
    i += length;
  }
  return result;
}

void append_utf8(std::string& text, uint32_t c) {
  auto tail = [&](int shift) { text += static_cast<char>(0x80 | ((c >> shift) & 0x3F)); };
  if (c < 0x80) {
    text += static_cast<char>(c);
  } else if (c < 0x800) {
    text += static_cast<char>(0xC0 | c >> 6), tail(0);
  } else if (c < 0x10000) {
    text += static_cast<char>(0xE0 | c >> 12), tail(6), tail(0);
  } else {
    text += static_cast<char>(0xF0 | c >> 18), tail(12), tail(6), tail(0);
  }
}

}  // namespace remote::data
