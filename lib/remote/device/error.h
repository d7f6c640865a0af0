#pragma once
#include <c10/util/Exception.h>

#include <string>

#include <remote/base/status.h>

namespace remote {

/// What the library throws when the world or the caller failed: a c10::Error, so that code which handles LibTorch's
/// errors handles these, with the code of docs/errors.md. what() is one sentence, without a backtrace.
class Error : public c10::Error {
 public:
  explicit Error(Status status) : c10::Error(status.message(), c10::Backtrace(), nullptr), status_(std::move(status)) {}
  Error(StatusCode code, std::string message) : Error(Status(code, std::move(message))) {}

  StatusCode code() const { return status_.code(); }
  const Status& status() const { return status_; }

 private:
  Status status_;
};

/// Throws the status as an Error unless it is ok.
inline void throw_if_error(const Status& status) {
  if (!status.ok()) throw Error(status);
}

/// The value, or its status thrown.
template <class T>
T value_or_throw(StatusOr<T> result) {
  if (!result.ok()) throw Error(result.status());
  return std::move(result).value();
}

}  // namespace remote
