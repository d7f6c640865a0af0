#pragma once
#include <functional>
#include <memory>
#include <utility>

namespace remote::worker {

/// What a completion queue hands back when an operation of a call is through. A call has one for each kind of
/// operation, at most one of a kind is under way, and arming it keeps the call alive until then: calls need no other
/// owner.
class Completion {
 public:
  explicit Completion(std::function<void(bool ok)> then) : then_(std::move(then)) {}

  /// The tag for the operation that is about to start.
  void* arm(std::shared_ptr<void> call) {
    call_ = std::move(call);
    return this;
  }
  /// The operation will not come back: gRPC drops the notice of the end of a call that never began.
  void disarm() { call_.reset(); }

  static void complete(void* tag, bool ok) {
    auto& self = *static_cast<Completion*>(tag);
    const auto alive = std::move(self.call_);
    self.then_(ok);
  }

 private:
  const std::function<void(bool ok)> then_;
  std::shared_ptr<void> call_;
};

}  // namespace remote::worker
