#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace remote::train {

// Files that are complete or not there. All of these throw remote::Error with the path and the system's reason.

/// An open file that is written from the start. Destroying it without finish() leaves what was written so far.
class FileWriter {
 public:
  explicit FileWriter(std::filesystem::path path);
  ~FileWriter();
  FileWriter(const FileWriter&) = delete;
  FileWriter& operator=(const FileWriter&) = delete;

  void write(const void* bytes, size_t count);
  /// Returns when the bytes are on the disk.
  void finish();

 private:
  std::filesystem::path path_;
  int descriptor_;
};

/// Replaces a file: a crash leaves the old one or the new one.
void replace_file(const std::filesystem::path& path, std::string_view text);

/// Makes a symbolic link, or lets an existing one point elsewhere, in one step.
void replace_link(const std::filesystem::path& link, const std::filesystem::path& target);

/// Returns when the folder's entries (files made, renamed, removed) are on the disk.
void sync_folder(const std::filesystem::path& folder);

void make_folder(const std::filesystem::path& folder);

std::string read_file(const std::filesystem::path& path);

/// Throws the Error for a system call that failed with `error`: "<what> <path>: No space left on device".
[[noreturn]] void throw_file_error(const std::string& what, const std::filesystem::path& path, int error);

}  // namespace remote::train
