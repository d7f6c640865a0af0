#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace remote::data {

/// The code points of a UTF-8 text. Throws remote::Error with the byte offset of the first fault: a stray or missing
/// continuation byte, an overlong form, a surrogate, or a number above U+10FFFF. `name` says what the text is.
std::vector<uint32_t> decode_utf8(std::string_view text, const std::string& name);

/// Appends one code point, which must be valid.
void append_utf8(std::string& text, uint32_t code_point);

}  // namespace remote::data
