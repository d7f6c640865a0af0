// Prints a worker's counters: sessions, storages, bytes of storages. Apart from the tests that need them, because a
// program must not hold both the library, which has the protocol's messages inside, and another copy of them.
#include <grpcpp/create_channel.h>

#include <chrono>
#include <iostream>

#include "remote/v1/worker.grpc.pb.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: worker_counters ADDRESS\n";
    return 2;
  }
  const auto stub =
      remote::v1::Worker::NewStub(grpc::CreateChannel(argv[1], grpc::InsecureChannelCredentials()));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
  remote::v1::StatisticsReply reply;
  const grpc::Status status = stub->Statistics(&context, {}, &reply);
  if (!status.ok()) {
    std::cerr << status.error_message() << "\n";
    return 1;
  }
  std::cout << reply.sessions() << " " << reply.storages() << " " << reply.storage_bytes() << "\n";
}
