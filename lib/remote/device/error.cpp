#include <remote/device/error.h>

namespace remote {
namespace {

template <class LibTorchs>
class ErrorAs final : public LibTorchs, public Error {
 public:
  explicit ErrorAs(Status status) : LibTorchs(status.message(), c10::Backtrace()), Error(std::move(status)) {}
};

}  // namespace

void throw_error(Status status) {
  switch (status.code()) {
    case StatusCode::kOutOfRange:
      throw ErrorAs<c10::IndexError>(std::move(status));
    case StatusCode::kUnimplemented:
      throw ErrorAs<c10::NotImplementedError>(std::move(status));
    case StatusCode::kResourceExhausted:
      throw ErrorAs<c10::OutOfMemoryError>(std::move(status));
    case StatusCode::kAborted:
      throw ErrorAs<c10::LinAlgError>(std::move(status));
    default:
      throw ErrorAs<c10::Error>(std::move(status));
  }
}

}  // namespace remote
