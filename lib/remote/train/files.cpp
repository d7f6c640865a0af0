#include <remote/train/files.h>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include <remote/device/error.h>

namespace remote::train {
namespace fs = std::filesystem;
namespace {

StatusCode code_of(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return StatusCode::kNotFound;
    case EACCES:
    case EPERM:
    case EROFS:
      return StatusCode::kPermissionDenied;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return StatusCode::kResourceExhausted;
    default:
      return StatusCode::kUnavailable;
  }
}

fs::path beside(const fs::path& path) { return fs::path(path) += ".new"; }

}  // namespace

void throw_file_error(const std::string& what, const fs::path& path, int error) {
  throw_error(code_of(error), what + " " + path.string() + ": " + std::strerror(error));
}

FileWriter::FileWriter(fs::path path)
    : path_(std::move(path)), descriptor_(::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)) {
  if (descriptor_ < 0) throw_file_error("can't create", path_, errno);
}

FileWriter::~FileWriter() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void FileWriter::write(const void* bytes, size_t count) {
  const auto* at = static_cast<const char*>(bytes);
  while (count > 0) {
    ssize_t written = ::write(descriptor_, at, count);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw_file_error("can't write", path_, errno);
    at += written;
    count -= static_cast<size_t>(written);
  }
}

void FileWriter::finish() {
  if (::fsync(descriptor_) != 0) throw_file_error("can't write", path_, errno);
  // Some file systems report a full disk only here.
  if (::close(std::exchange(descriptor_, -1)) != 0) throw_file_error("can't write", path_, errno);
}

void replace_file(const fs::path& path, std::string_view text) {
  FileWriter file(beside(path));
  file.write(text.data(), text.size());
  file.finish();
  if (::rename(beside(path).c_str(), path.c_str()) != 0) throw_file_error("can't replace", path, errno);
  sync_folder(path.parent_path());
}

void replace_link(const fs::path& link, const fs::path& target) {
  ::unlink(beside(link).c_str());
  if (::symlink(target.c_str(), beside(link).c_str()) != 0) throw_file_error("can't make the link", link, errno);
  if (::rename(beside(link).c_str(), link.c_str()) != 0) throw_file_error("can't replace the link", link, errno);
}

void sync_folder(const fs::path& folder) {
  int descriptor = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) throw_file_error("can't open the folder", folder, errno);
  const int result = ::fsync(descriptor), error = errno;
  ::close(descriptor);
  // Not every file system can sync a folder; EINVAL says so.
  if (result != 0 && error != EINVAL) throw_file_error("can't write the folder", folder, error);
}

void make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) throw_file_error("can't make the folder", folder, error.value());
  if (!fs::is_directory(folder)) throw_file_error("can't make the folder", folder, ENOTDIR);
}

std::string read_file(const fs::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) throw_file_error("can't open", path, errno);
  std::string text;
  char chunk[1 << 16];
  ssize_t got;
  while ((got = ::read(descriptor, chunk, sizeof chunk)) > 0) text.append(chunk, static_cast<size_t>(got));
  const int error = errno;
  ::close(descriptor);
  if (got < 0) throw_file_error("can't read", path, error);
  return text;
}

}  // namespace remote::train
