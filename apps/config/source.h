#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace remote::config {

/// A text that configuration came from: a file, or one `key=value` of the command line.
class Source {
 public:
  enum class Kind { kFile, kCommandLine };

  Source(Kind kind, std::string name, std::string text);

  Kind kind() const { return kind_; }
  /// The path as the user gave it, or "command line: optimizer.lr=0.1".
  const std::string& name() const { return name_; }
  const std::string& text() const { return text_; }
  /// A line without its line break, numbered from 1; empty past the end.
  std::string_view line(size_t number) const;
  size_t line_count() const { return line_starts_.size(); }

 private:
  Kind kind_;
  std::string name_;
  std::string text_;
  std::vector<size_t> line_starts_;
};

/// A place in a source. Cheap to copy; keeps the source alive.
struct Location {
  std::shared_ptr<const Source> source;
  /// From 1; 0 stands for the source as a whole.
  size_t line = 0;
  /// In bytes, from 1.
  size_t column = 0;
  /// Bytes to underline; at least one is.
  size_t length = 1;

  /// "configs/x.yaml:14:5" with the column in characters; for the command line its text.
  std::string to_string() const;
};

/// Reads a whole configuration file. Throws SourceError with a sentence that names the file, when there is none, when
/// it is a directory, can't be read, is larger than 16 MiB, or isn't UTF-8 text.
std::shared_ptr<const Source> read_source(const std::string& path);

class SourceError : public std::exception {
 public:
  explicit SourceError(std::string message) : message_(std::move(message)) {}
  const char* what() const noexcept override { return message_.c_str(); }

 private:
  std::string message_;
};

/// How many characters the UTF-8 bytes of `text` are.
size_t character_count(std::string_view text);

/// The byte offset of the first byte that is no UTF-8, or npos.
size_t find_invalid_utf8(std::string_view text);

}  // namespace remote::config
