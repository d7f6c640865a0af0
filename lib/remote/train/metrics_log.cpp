#include <remote/train/metrics_log.h>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cmath>
#include <string_view>
#include <utility>

#include <remote/train/files.h>

namespace remote::train {
namespace {

constexpr std::string_view kLineStart = "{\"step\":";

/// The shortest text that reads back as the same number. Losses are float32: their own shortest text, not that of the
/// double they became.
std::string number(double value) {
  if (!std::isfinite(value)) return "null";
  char text[32];
  const auto narrow = static_cast<float>(value);
  auto result = static_cast<double>(narrow) == value ? std::to_chars(text, text + sizeof text, narrow)
                                                     : std::to_chars(text, text + sizeof text, value);
  return std::string(text, result.ptr);
}

/// How much of the file's text is to stay.
size_t kept_bytes(std::string_view text, int64_t keep_until_step) {
  size_t kept = 0;
  while (kept < text.size()) {
    const size_t end = text.find('\n', kept);
    const std::string_view line = text.substr(kept, end - kept);
    if (end == std::string_view::npos || !line.starts_with(kLineStart)) break;
    int64_t step = 0;
    auto [rest, error] = std::from_chars(line.data() + kLineStart.size(), line.data() + line.size(), step);
    if (error != std::errc() || step > keep_until_step) break;
    kept = end + 1;
  }
  return kept;
}

}  // namespace

MetricsLog::MetricsLog(const std::filesystem::path& path, int flags)
    : path_(path), descriptor_(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | flags, 0666)) {
  if (descriptor_ < 0) throw_file_error("can't open", path, errno);
}

MetricsLog::MetricsLog(MetricsLog&& other) noexcept
    : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)) {}

MetricsLog::~MetricsLog() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

MetricsLog MetricsLog::create(const std::filesystem::path& path) { return MetricsLog(path, O_TRUNC); }

MetricsLog MetricsLog::resume(const std::filesystem::path& path, int64_t keep_until_step) {
  MetricsLog log(path, 0);
  const size_t kept = kept_bytes(read_file(path), keep_until_step);
  if (::ftruncate(log.descriptor_, static_cast<off_t>(kept)) != 0) throw_file_error("can't cut back", path, errno);
  return log;
}

std::string MetricsLog::format(const MetricRecord& record) {
  std::string line(kLineStart);
  line += std::to_string(record.step) + ",\"epoch\":" + std::to_string(record.epoch);
  for (const auto& [name, value] : record.values) line += ",\"" + name + "\":" + number(value);
  return line + "}\n";
}

void MetricsLog::write(const MetricRecord& record) {
  const std::string line = format(record);
  std::string_view left = line;
  while (!left.empty()) {
    const ssize_t written = ::write(descriptor_, left.data(), left.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw_file_error("can't write", path_, errno);
    left.remove_prefix(static_cast<size_t>(written));
  }
}

void MetricsLog::sync() {
  // A pipe or a terminal in place of the file can't be synced; EINVAL says so.
  if (::fsync(descriptor_) != 0 && errno != EINVAL) throw_file_error("can't write", path_, errno);
}

}  // namespace remote::train
