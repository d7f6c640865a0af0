#pragma once
#include <cstdint>
#include <filesystem>
#include <string>

#include <remote/train/metrics.h>

namespace remote::train {

/// metrics.jsonl: one JSON object per line, {"step":40,"epoch":1,"train/loss":0.61,"lr":0.001}. A line is in the file
/// when write() returns. It holds nothing that depends on the clock, so that a resumed run's file is that of a run
/// which never stopped, byte for byte. Throws remote::Error: a disk that is full, a folder that can't be written.
class MetricsLog {
 public:
  /// Begins an empty file, or continues one: then lines after step `keep_until_step`, and a line that a crash cut off,
  /// go.
  static MetricsLog create(const std::filesystem::path& path);
  static MetricsLog resume(const std::filesystem::path& path, int64_t keep_until_step);

  MetricsLog(MetricsLog&& other) noexcept;
  MetricsLog& operator=(MetricsLog&&) = delete;
  ~MetricsLog();

  void write(const MetricRecord& record);
  /// Returns when the lines are on the disk.
  void sync();

  /// The line of a record, with its newline. Figures that are no finite numbers are null.
  static std::string format(const MetricRecord& record);

 private:
  MetricsLog(const std::filesystem::path& path, int flags);

  std::filesystem::path path_;
  int descriptor_;
};

}  // namespace remote::train
