// The service as a client sees it that keeps to the protocol or doesn't; the backend does what the test says.
#include <gmock/gmock.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>

#include <proto/chunk.h>
#include <proto/messages.h>

#include "fake_backend.h"
#include "remote/v1/worker.grpc.pb.h"
#include "worker/service/log.h"
#include "worker/service/server.h"

namespace remote::worker {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::AllOf;
using testing::HasSubstr;

/// A Stream call, spoken by hand.
class RawStream {
 public:
  explicit RawStream(v1::Worker::Stub& stub) {
    context.set_deadline(std::chrono::system_clock::now() + seconds(30));
    call = stub.Stream(&context);
  }
  ~RawStream() { context.TryCancel(); }

  /// Says Hello; the Welcome, or an empty message when the call ended instead.
  v1::Welcome hello() {
    v1::ClientMessage message;
    message.mutable_hello()->set_protocol_version(1);
    message.mutable_hello()->set_client_name("service test");
    EXPECT_TRUE(call->Write(message));
    v1::ServerMessage answer;
    return call->Read(&answer) ? answer.welcome() : v1::Welcome();
  }
  bool send_batch(uint64_t first, std::string records) {
    v1::ClientMessage message;
    proto::write(wire::Batch{first, 1, std::move(records)}, *message.mutable_batch());
    return call->Write(message);
  }
  /// Reads to the end of the call; the last message that came.
  v1::ServerMessage drain() {
    v1::ServerMessage message, last;
    while (call->Read(&message)) last = message;
    status = call->Finish();
    return last;
  }

  grpc::ClientContext context;
  std::unique_ptr<grpc::ClientReaderWriter<v1::ClientMessage, v1::ServerMessage>> call;
  grpc::Status status;
};

/// A Bulk call, spoken by hand.
class RawBulk {
 public:
  RawBulk(v1::Worker::Stub& stub, std::optional<uint64_t> session, const std::string& token) {
    context.set_deadline(std::chrono::system_clock::now() + seconds(30));
    if (session) {
      context.AddMetadata("remote-session", std::to_string(*session));
      context.AddMetadata("remote-token-bin", token);
    }
    call = stub.Bulk(&context);
  }
  ~RawBulk() { context.TryCancel(); }

  grpc::Status drain() {
    v1::Chunk chunk;
    while (call->Read(&chunk)) {
    }
    return call->Finish();
  }

  grpc::ClientContext context;
  std::unique_ptr<grpc::ClientReaderWriter<v1::Chunk, v1::Chunk>> call;
};

class ServiceTest : public testing::Test {
 protected:
  void SetUp() override {
    log::set_level(log::Level::kOff);
    auto server = Server::listen("127.0.0.1:0");
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = std::move(server).value();
    server_->serve(backend_);
    channel_ = grpc::CreateChannel(server_->address(), grpc::InsecureChannelCredentials());
    stub_ = v1::Worker::NewStub(channel_);
  }
  // Sessions may not outlive what they hold on to.
  void TearDown() override { server_.reset(); }

  void expect_end(RawStream& stream, grpc::StatusCode code, const std::string& text) {
    const v1::ServerMessage last = stream.drain();
    EXPECT_EQ(stream.status.error_code(), code);
    EXPECT_THAT(stream.status.error_message(), HasSubstr(text));
    EXPECT_EQ(last.ended().code(), static_cast<int>(code));
    EXPECT_THAT(last.ended().message(), HasSubstr(text));
  }
  bool disconnected(bool kept_lease) {
    const auto session = backend_->last();
    return session->wait_for([&] { return session->kept_lease().has_value(); }) && *session->kept_lease() == kept_lease;
  }

  const std::shared_ptr<FakeBackend> backend_ = std::make_shared<FakeBackend>();
  std::unique_ptr<Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::Worker::Stub> stub_;
};

TEST_F(ServiceTest, ARefusalOfTheBackendIsTheStatusOfTheCall) {
  backend_->refuse({StatusCode::kFailedPrecondition, "the client speaks protocol version 7"});
  RawStream stream(*stub_);
  stream.hello();
  stream.drain();
  EXPECT_EQ(stream.status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(stream.status.error_message(), HasSubstr("protocol version 7"));
}

TEST_F(ServiceTest, ABatchBeforeTheHelloIsRefused) {
  RawStream stream(*stub_);
  stream.send_batch(1, "x");
  stream.drain();
  EXPECT_EQ(stream.status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(stream.status.error_message(), HasSubstr("expected a Hello first"));
  EXPECT_FALSE(backend_->last());
}

TEST_F(ServiceTest, ASecondHelloEndsTheSessionAndFreesIt) {
  RawStream stream(*stub_);
  EXPECT_EQ(stream.hello().session(), 100u);
  v1::ClientMessage message;
  message.mutable_hello();
  stream.call->Write(message);
  expect_end(stream, grpc::StatusCode::INVALID_ARGUMENT, "second Hello");
  EXPECT_TRUE(disconnected(/*kept_lease=*/false));
}

TEST_F(ServiceTest, AMessageOfNoKindEndsTheSession) {
  RawStream stream(*stub_);
  stream.hello();
  stream.call->Write({});
  expect_end(stream, grpc::StatusCode::INVALID_ARGUMENT, "a message came that is none");
}

TEST_F(ServiceTest, AMessageThatIsTooLargeEndsTheCallAndNotTheWorker) {
  RawStream stream(*stub_);
  stream.hello();
  stream.send_batch(1, std::string(65 << 20, 'x'));
  stream.drain();
  EXPECT_FALSE(stream.status.ok());
  EXPECT_EQ(RawStream(*stub_).hello().session(), 101u);
}

TEST_F(ServiceTest, BytesThatAreNoMessageEndTheCallAndNotTheWorker) {
  grpc::GenericStub raw(channel_);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + seconds(30));
  grpc::CompletionQueue queue;
  const auto call = raw.PrepareCall(&context, "/remote.v1.Worker/Stream", &queue);
  void* tag = nullptr;
  bool ok = false;
  call->StartCall(&queue);
  ASSERT_TRUE(queue.Next(&tag, &ok) && ok);
  const grpc::Slice nonsense(std::string("\xff\xff\xff\xff\xff\xff"));
  call->Write(grpc::ByteBuffer(&nonsense, 1), &queue);
  ASSERT_TRUE(queue.Next(&tag, &ok));
  grpc::Status status;
  call->Finish(&status, &queue);
  ASSERT_TRUE(queue.Next(&tag, &ok));
  EXPECT_FALSE(status.ok());
  EXPECT_NE(status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_EQ(RawStream(*stub_).hello().session(), 100u);
}

TEST_F(ServiceTest, AFarewellFreesTheSessionBeforeItIsAnswered) {
  RawStream stream(*stub_);
  stream.hello();
  v1::ClientMessage message;
  message.mutable_farewell();
  ASSERT_TRUE(stream.call->Write(message));
  EXPECT_TRUE(stream.drain().has_farewell());
  EXPECT_TRUE(stream.status.ok());
  EXPECT_EQ(backend_->last()->kept_lease(), std::optional<bool>(false));
}

TEST_F(ServiceTest, AClientThatIsCutOffKeepsItsLease) {
  RawStream stream(*stub_);
  stream.hello();
  stream.context.TryCancel();
  EXPECT_TRUE(disconnected(/*kept_lease=*/true));
}

TEST_F(ServiceTest, AClientThatLeavesWithoutAWordKeepsItsLease) {
  RawStream stream(*stub_);
  stream.hello();
  stream.call->WritesDone();
  EXPECT_TRUE(disconnected(/*kept_lease=*/true));
}

TEST_F(ServiceTest, AClientThatIsCutOffWhileItsBatchesWaitIsNoticedToo) {
  RawStream stream(*stub_);
  stream.hello();
  for (uint64_t i = 0; i < 5; ++i) stream.send_batch(1 + i, std::string(1 << 20, 'r'));
  stream.context.TryCancel();
  EXPECT_TRUE(disconnected(/*kept_lease=*/true));
}

TEST_F(ServiceTest, AWorkerThatTakesNothingHoldsTheClient) {
  RawStream stream(*stub_);
  stream.hello();
  constexpr uint64_t kBatches = 64;
  std::atomic<uint64_t> written{0};
  std::thread client([&] {
    for (uint64_t i = 0; i < kBatches && stream.send_batch(1 + i, std::string(1 << 20, 'r')); ++i) ++written;
  });
  // It stops at what the link takes in and what gRPC's windows hold; 64 MiB are far more.
  uint64_t before = 0;
  do {
    before = written;
    std::this_thread::sleep_for(milliseconds(300));
  } while (written != before);
  EXPECT_LT(written, kBatches / 2);
  const auto session = backend_->last();
  uint64_t taken = 0;
  EXPECT_TRUE(session->wait_for([&] {
    while (session->take()) ++taken;
    return taken == kBatches;
  })) << taken;
  client.join();
}

TEST_F(ServiceTest, AClientThatReadsNothingHoldsTheWorker) {
  RawStream stream(*stub_);
  stream.hello();
  const auto session = backend_->last();
  ASSERT_TRUE(stream.send_batch(1, "r"));
  ASSERT_TRUE(session->wait_for([&] { return session->wakes() == 1; }));
  // Values of 64 MiB that nobody reads: more than the windows and the link hold.
  uint64_t sent = 0;
  for (; sent < 1024; ++sent) {
    wire::Reply reply;
    reply.received = reply.executed = 1;
    reply.values.resize(1);
    reply.values[0].request = sent;
    reply.values[0].bytes.assign(64 << 10, 'v');
    session->reply(std::move(reply));
  }
  EXPECT_FALSE(session->take()) << "a session whose client does not read gets records";
  uint64_t came = 0;
  v1::ServerMessage message;
  while (came < sent && stream.call->Read(&message)) came += message.reply().values_size();
  EXPECT_EQ(came, sent);
  EXPECT_TRUE(session->wait_for([&] { return session->wakes() == 2; })) << "nobody woke the session again";
  EXPECT_TRUE(session->take());
}

TEST_F(ServiceTest, AFailureOfTheSessionIsToldAndEndsIt) {
  RawStream stream(*stub_);
  stream.hello();
  wire::Reply reply;
  reply.failures.push_back({0, {StatusCode::kDataLoss, std::string(20000, 'x') + " the device is lost"}});
  backend_->last()->reply(std::move(reply));
  v1::ServerMessage first;
  ASSERT_TRUE(stream.call->Read(&first));
  EXPECT_EQ(first.reply().failures(0).sequence(), 0u);
  const v1::ServerMessage last = stream.drain();
  EXPECT_EQ(last.ended().code(), static_cast<int>(StatusCode::kDataLoss));
  EXPECT_THAT(last.ended().message(), HasSubstr("the device is lost"));
  EXPECT_EQ(stream.status.error_code(), grpc::StatusCode::DATA_LOSS) << stream.status.error_message().size();
  EXPECT_TRUE(disconnected(/*kept_lease=*/false));
}

TEST_F(ServiceTest, BulkWithoutItsSessionsTokenIsRefused) {
  RawStream stream(*stub_);
  const v1::Welcome welcome = stream.hello();
  std::string wrong = welcome.token();
  wrong.back() ^= 1;
  EXPECT_EQ(RawBulk(*stub_, std::nullopt, "").drain().error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(RawBulk(*stub_, welcome.session(), wrong).drain().error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(RawBulk(*stub_, welcome.session(), "").drain().error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(RawBulk(*stub_, welcome.session() + 1, welcome.token()).drain().error_code(),
            grpc::StatusCode::UNAUTHENTICATED);
}

TEST_F(ServiceTest, TheTokensOfTwoSessionsDiffer) {
  RawStream first(*stub_), second(*stub_);
  const std::string token = first.hello().token();
  EXPECT_GE(token.size(), 16u);
  EXPECT_NE(token, second.hello().token());
}

TEST_F(ServiceTest, ASecondBulkConnectionOfASessionIsRefused) {
  RawStream stream(*stub_);
  const v1::Welcome welcome = stream.hello();
  RawBulk first(*stub_, welcome.session(), welcome.token());
  v1::Chunk chunk;
  chunk.set_data("abcd");
  ASSERT_TRUE(first.call->Write(chunk));
  ASSERT_TRUE(backend_->last()->wait_for([&] { return backend_->last()->supplied() == "abcd"; }));
  EXPECT_EQ(RawBulk(*stub_, welcome.session(), welcome.token()).drain().error_code(), grpc::StatusCode::ALREADY_EXISTS);
}

TEST_F(ServiceTest, AChunkThatDoesNotFitEndsTheSessionAndBothCalls) {
  RawStream stream(*stub_);
  const v1::Welcome welcome = stream.hello();
  backend_->last()->refuse_uploads({StatusCode::kResourceExhausted, "65 MiB are outstanding, 64 are allowed"});
  RawBulk bulk(*stub_, welcome.session(), welcome.token());
  v1::Chunk chunk;
  chunk.set_data("abcd");
  bulk.call->Write(chunk);
  EXPECT_EQ(bulk.drain().error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  expect_end(stream, grpc::StatusCode::RESOURCE_EXHAUSTED, "65 MiB are outstanding");
  EXPECT_TRUE(disconnected(/*kept_lease=*/false));
}

TEST_F(ServiceTest, AChunkThatIsTooLongEndsTheSession) {
  RawStream stream(*stub_);
  const v1::Welcome welcome = stream.hello();
  RawBulk bulk(*stub_, welcome.session(), welcome.token());
  v1::Chunk chunk;
  chunk.set_data(std::string(wire::kChunkBytes + 1, 'x'));
  bulk.call->Write(chunk);
  EXPECT_EQ(bulk.drain().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  expect_end(stream, grpc::StatusCode::INVALID_ARGUMENT, "at most 1048576");
  EXPECT_EQ(backend_->last()->supplied(), "");
}

TEST_F(ServiceTest, DownloadsComeWholeAndInOrder) {
  RawStream stream(*stub_);
  const v1::Welcome welcome = stream.hello();
  RawBulk bulk(*stub_, welcome.session(), welcome.token());
  for (uint64_t i = 1; i <= 3; ++i) {
    backend_->last()->send(i, std::make_shared<const std::string>(wire::kChunkBytes + i, static_cast<char>('a' + i)));
  }
  for (uint64_t i = 1; i <= 3; ++i) {
    v1::Chunk first, second;
    ASSERT_TRUE(bulk.call->Read(&first) && bulk.call->Read(&second));
    EXPECT_EQ(first.transfer(), i);
    EXPECT_EQ(first.total_bytes(), wire::kChunkBytes + i);
    EXPECT_EQ(second.offset(), wire::kChunkBytes);
    EXPECT_EQ(second.data(), std::string(i, static_cast<char>('a' + i)));
  }
}

TEST_F(ServiceTest, TheBulkCallEndsWithItsStream) {
  RawStream stream(*stub_);
  const v1::Welcome welcome = stream.hello();
  RawBulk bulk(*stub_, welcome.session(), welcome.token());
  v1::Chunk chunk;
  chunk.set_data("abcd");
  bulk.call->Write(chunk);
  ASSERT_TRUE(backend_->last()->wait_for([&] { return backend_->last()->supplied() == "abcd"; }));
  stream.context.TryCancel();
  EXPECT_NE(bulk.drain().error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
}

TEST_F(ServiceTest, StatisticsAreTheBackends) {
  grpc::ClientContext context;
  v1::StatisticsReply reply;
  ASSERT_TRUE(stub_->Statistics(&context, {}, &reply).ok());
  EXPECT_EQ(reply.sessions(), 1u);
  EXPECT_EQ(reply.sessions_opened(), 2u);
  EXPECT_EQ(reply.ops(), 3u);
  EXPECT_EQ(reply.failed_ops(), 4u);
  EXPECT_EQ(reply.storages(), 5u);
  EXPECT_EQ(reply.storage_bytes(), 6u);
}

TEST_F(ServiceTest, StoppingTellsWhyAndDoesNotWaitForAClientThatDoesNotListen) {
  RawStream listens(*stub_), sleeps(*stub_);
  listens.hello();
  sleeps.hello();
  for (int i = 0; i < 512; ++i) {
    wire::Reply reply;
    reply.values.resize(1);
    reply.values[0].bytes.assign(64 << 10, 'v');
    backend_->last()->reply(std::move(reply));
  }
  const auto start = std::chrono::steady_clock::now();
  std::thread reader([&] { expect_end(listens, grpc::StatusCode::UNAVAILABLE, "the worker shuts down"); });
  server_->stop({StatusCode::kUnavailable, "the worker shuts down"});
  EXPECT_LT(std::chrono::steady_clock::now() - start, seconds(8));
  reader.join();
}

}  // namespace
}  // namespace remote::worker
