#pragma once
#include <memory>
#include <string>
#include <vector>

namespace remote::test {

/// Asks grpc.health.v1.Health/Check about the whole server, as any gRPC tool does: "SERVING", "NOT_SERVING", or the
/// error.
std::string health_of(const std::string& address);

/// The services that gRPC's reflection lists, or the error as the only entry.
std::vector<std::string> services_of(const std::string& address);

class RawCall;

/// A session that is opened by hand and held. Closed without a farewell when the object goes.
class HeldSession {
 public:
  explicit HeldSession(const std::string& address);
  ~HeldSession();

  /// "" when it was opened, else why it was refused.
  const std::string& refusal() const { return refusal_; }
  /// Waits for the end of the session; the bytes of the last message that came.
  std::string last_message();

 private:
  const std::unique_ptr<RawCall> call_;
  std::string refusal_;
};

}  // namespace remote::test
