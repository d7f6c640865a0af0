#pragma once
#include <initializer_list>
#include <string>
#include <string_view>

/// The worker's log: lines on stderr with time, level, what happened, and key=value fields for machines. Thread-safe.
///
/// Apart from what it is written with (spdlog), because LibTorch's headers bring another version of fmt.
namespace remote::worker::log {

enum class Level { kDebug, kInfo, kWarning, kError, kOff };

/// Lines below this level are dropped. kInfo at start.
void set_level(Level level);

struct Field {
  std::string_view key;
  /// Quoted and escaped where it holds anything but plain characters: it may come from a client.
  std::string value;
};

void write(Level level, std::string_view event, std::initializer_list<Field> fields = {});

inline void debug(std::string_view event, std::initializer_list<Field> fields = {}) {
  write(Level::kDebug, event, fields);
}
inline void info(std::string_view event, std::initializer_list<Field> fields = {}) {
  write(Level::kInfo, event, fields);
}
inline void warning(std::string_view event, std::initializer_list<Field> fields = {}) {
  write(Level::kWarning, event, fields);
}
inline void error(std::string_view event, std::initializer_list<Field> fields = {}) {
  write(Level::kError, event, fields);
}

}  // namespace remote::worker::log
