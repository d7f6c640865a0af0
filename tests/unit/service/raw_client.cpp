// Messages are written by hand: Debian's packages lack the .proto files of the services that every server has, and this
// way the tests of a process need nothing of ours.
#include "raw_client.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>

#include <chrono>

namespace remote::test {

/// A streaming call of any method; a unary one looks the same. One operation at a time, each waited for.
class RawCall {
 public:
  RawCall(const std::string& address, const std::string& method, std::chrono::seconds timeout)
      : stub_(grpc::CreateChannel(address, grpc::InsecureChannelCredentials())) {
    context_.set_deadline(std::chrono::system_clock::now() + timeout);
    call_ = stub_.PrepareCall(&context_, method, &queue_);
    call_->StartCall(&queue_);
    done();
  }
  ~RawCall() { context_.TryCancel(); }

  bool write(const std::string& bytes, bool last) {
    const grpc::Slice slice(bytes);
    grpc::WriteOptions options;
    if (last) options.set_last_message();
    call_->Write(grpc::ByteBuffer(&slice, 1), options, &queue_);
    return done();
  }
  bool read(std::string* bytes) {
    grpc::ByteBuffer incoming;
    call_->Read(&incoming, &queue_);
    grpc::Slice joined;
    if (!done() || !incoming.DumpToSingleSlice(&joined).ok()) return false;
    bytes->assign(reinterpret_cast<const char*>(joined.begin()), joined.size());
    return true;
  }
  grpc::Status finish() {
    grpc::Status status;
    call_->Finish(&status, &queue_);
    done();
    return status;
  }

 private:
  bool done() {
    void* tag = nullptr;
    bool ok = false;
    return queue_.Next(&tag, &ok) && ok;
  }

  grpc::GenericStub stub_;
  grpc::ClientContext context_;
  grpc::CompletionQueue queue_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call_;
};

namespace {

/// One message to a method, and one back.
grpc::Status exchange(const std::string& address, const std::string& method, const std::string& request,
                      std::string* answer) {
  RawCall call(address, method, std::chrono::seconds(10));
  if (call.write(request, /*last=*/true)) call.read(answer);
  return call.finish();
}

}  // namespace

std::string health_of(const std::string& address) {
  std::string answer;
  const grpc::Status status = exchange(address, "/grpc.health.v1.Health/Check", "", &answer);
  if (!status.ok()) return status.error_message();
  // HealthCheckResponse: field 1, an enum.
  if (answer == std::string("\x08\x01")) return "SERVING";
  if (answer == std::string("\x08\x02")) return "NOT_SERVING";
  return "an answer of " + std::to_string(answer.size()) + " bytes";
}

std::vector<std::string> services_of(const std::string& address) {
  std::string answer;
  // ServerReflectionRequest: field 7, list_services, a string that may be anything.
  const grpc::Status status = exchange(address, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
                                       std::string("\x3a\x01*"), &answer);
  if (!status.ok()) return {status.error_message()};
  // Names stand in the answer as they are; each follows its tag and length.
  std::vector<std::string> services;
  for (size_t at = 0; at + 1 < answer.size(); ++at) {
    const size_t length = static_cast<unsigned char>(answer[at + 1]);
    if (answer[at] != '\x0a' || at + 2 + length > answer.size()) continue;
    const std::string name = answer.substr(at + 2, length);
    if (name.find('.') != std::string::npos && name.find('\x0a') == std::string::npos) services.push_back(name);
  }
  return services;
}

HeldSession::HeldSession(const std::string& address)
    : call_(std::make_unique<RawCall>(address, "/remote.v1.Worker/Stream", std::chrono::seconds(60))) {
  // ClientMessage: field 1, a Hello of protocol version 1.
  std::string welcome;
  if (!call_->write(std::string("\x0a\x02\x08\x01"), /*last=*/false) || !call_->read(&welcome)) {
    refusal_ = call_->finish().error_message();
  }
}

HeldSession::~HeldSession() = default;

std::string HeldSession::last_message() {
  std::string last;
  while (call_->read(&last)) {
  }
  return last;
}

}  // namespace remote::test
