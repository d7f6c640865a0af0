#pragma once
#include <c10/util/Exception.h>

#include <string>

#include <remote/base/status.h>

namespace remote {

/// What the library throws when the world or the caller failed, with the code of docs/errors.md. Each is a c10::Error
/// as well, of LibTorch's own type where it has one, so that code which handles LibTorch's errors handles these:
/// OUT_OF_RANGE is a c10::IndexError, UNIMPLEMENTED a c10::NotImplementedError, RESOURCE_EXHAUSTED a
/// c10::OutOfMemoryError, ABORTED a c10::LinAlgError. Thrown with throw_error().
class Error {
 public:
  virtual ~Error() = default;

  StatusCode code() const { return status_.code(); }
  const Status& status() const { return status_; }
  /// One sentence, without a backtrace.
  const char* what() const noexcept { return status_.message().c_str(); }

 protected:
  explicit Error(Status status) : status_(std::move(status)) {}

 private:
  Status status_;
};

/// Throws what stands for a status that isn't ok.
[[noreturn]] void throw_error(Status status);
[[noreturn]] inline void throw_error(StatusCode code, std::string message) {
  throw_error(Status(code, std::move(message)));
}

inline void throw_if_error(const Status& status) {
  if (!status.ok()) throw_error(status);
}

/// The value, or its status thrown.
template <class T>
T value_or_throw(StatusOr<T> result) {
  if (!result.ok()) throw_error(result.status());
  return std::move(result).value();
}

}  // namespace remote
