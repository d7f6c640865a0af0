#include "apps/config/source.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>

namespace remote::config {
namespace {

constexpr uintmax_t kMaxFileBytes = 16u << 20;

}  // namespace

Source::Source(Kind kind, std::string name, std::string text)
    : kind_(kind), name_(std::move(name)), text_(std::move(text)) {
  line_starts_.push_back(0);
  for (size_t i = 0; i < text_.size(); ++i) {
    if (text_[i] == '\n') line_starts_.push_back(i + 1);
  }
}

std::string_view Source::line(size_t number) const {
  if (number == 0 || number > line_starts_.size()) return {};
  size_t begin = line_starts_[number - 1];
  size_t end = number < line_starts_.size() ? line_starts_[number] - 1 : text_.size();
  std::string_view line(text_.data() + begin, end - begin);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

std::string Location::to_string() const {
  if (!source) return "?";
  if (source->kind() == Source::Kind::kCommandLine || line == 0) return source->name();
  size_t characters = character_count(source->line(line).substr(0, column - 1));
  return source->name() + ":" + std::to_string(line) + ":" + std::to_string(characters + 1);
}

std::shared_ptr<const Source> read_source(const std::string& path) {
  std::error_code error;
  auto status = std::filesystem::status(path, error);
  if (!std::filesystem::exists(status)) throw SourceError(path + ": there is no such file");
  if (std::filesystem::is_directory(status)) throw SourceError(path + ": expected a YAML file, found a directory");
  if (auto bytes = std::filesystem::file_size(path, error); !error && bytes > kMaxFileBytes) {
    throw SourceError(path + ": the file has " + std::to_string(bytes) + " bytes; a configuration has at most " +
                      std::to_string(kMaxFileBytes));
  }
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file.is_open() || file.bad()) throw SourceError(path + ": can't be read: " + std::strerror(errno));
  if (size_t bad = find_invalid_utf8(text); bad != std::string::npos) {
    auto line = std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(bad), '\n') + 1;
    throw SourceError(path + ":" + std::to_string(line) + ": expected UTF-8 text, found the byte " +
                      std::to_string(static_cast<unsigned char>(text[bad])) + " at offset " + std::to_string(bad) +
                      "; save the file as UTF-8");
  }
  return std::make_shared<Source>(Source::Kind::kFile, path, std::move(text));
}

size_t character_count(std::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

size_t find_invalid_utf8(std::string_view text) {
  auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  for (size_t i = 0; i < text.size();) {
    unsigned char lead = byte(i);
    if (lead == 0) return i;  // a NUL marks a binary file, or UTF-16
    size_t length = lead < 0x80                   ? 1
                    : lead >= 0xC2 && lead < 0xE0 ? 2
                    : (lead & 0xF0) == 0xE0       ? 3
                    : lead >= 0xF0 && lead < 0xF5 ? 4
                                                  : 0;
    if (length == 0 || i + length > text.size()) return i;
    for (size_t k = 1; k < length; ++k) {
      if ((byte(i + k) & 0xC0) != 0x80) return i;
    }
    // Overlong forms, surrogates, and what lies past U+10FFFF.
    if ((lead == 0xE0 && byte(i + 1) < 0xA0) || (lead == 0xED && byte(i + 1) >= 0xA0) ||
        (lead == 0xF0 && byte(i + 1) < 0x90) || (lead == 0xF4 && byte(i + 1) >= 0x90)) {
      return i;
    }
    i += length;
  }
  return std::string::npos;
}

}  // namespace remote::config
