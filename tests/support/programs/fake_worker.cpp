// A worker of another age: answers a Hello with a Welcome of the protocol version given, and then nothing.
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <iostream>
#include <string>

#include "remote/v1/worker.grpc.pb.h"

namespace {

class FakeWorker final : public remote::v1::Worker::Service {
 public:
  explicit FakeWorker(uint32_t version) : version_(version) {}

  grpc::Status Stream(grpc::ServerContext*,
                      grpc::ServerReaderWriter<remote::v1::ServerMessage, remote::v1::ClientMessage>* stream) override {
    remote::v1::ClientMessage message;
    if (!stream->Read(&message) || !message.has_hello()) return {grpc::StatusCode::INVALID_ARGUMENT, "no Hello"};
    remote::v1::ServerMessage answer;
    auto& welcome = *answer.mutable_welcome();
    welcome.set_protocol_version(version_);
    welcome.set_torch_version(message.hello().torch_version());
    welcome.set_session(1);
    stream->Write(answer);
    while (stream->Read(&message)) {
    }
    return grpc::Status::OK;
  }

 private:
  const uint32_t version_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: fake_worker PROTOCOL_VERSION\n";
    return 2;
  }
  FakeWorker service(static_cast<uint32_t>(std::stoul(argv[1])));
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&service);
  const auto server = builder.BuildAndStart();
  std::cout << "listening on 127.0.0.1:" << port << std::endl;
  server->Wait();
}
