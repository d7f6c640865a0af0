#include <ATen/core/dispatch/Dispatcher.h>
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fake_connection.h"

namespace remote::client {
namespace {

using testing::HasSubstr;
using wire::RecordWriter;

TEST(SessionTest, RecordsAreNumberedFromOneWithoutGapsAcrossBatches) {
  FakeSession fake;
  EXPECT_EQ(fake.record(1).value(), 1u);
  EXPECT_EQ(fake.record(2).value(), 2u);
  auto first = fake.connection->source.take(1 << 20);
  EXPECT_EQ(fake.record(3).value(), 3u);
  auto second = fake.connection->source.take(1 << 20);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->first_sequence, 1u);
  EXPECT_EQ(first->record_count, 2u);
  EXPECT_EQ(second->first_sequence, 3u);
  EXPECT_EQ(second->record_count, 1u);
  EXPECT_FALSE(fake.connection->source.take(1 << 20));
}

TEST(SessionTest, BatchesStayNearTheSizeThatTheCarrierAsksFor) {
  FakeSession fake;
  fake.connection->source.take(100);
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(fake.record(i).ok());
  uint64_t next = 1;
  while (auto batch = fake.connection->source.take(100)) {
    EXPECT_LT(batch->bytes.size(), 120u);
    EXPECT_EQ(batch->first_sequence, next);
    next += batch->record_count;
  }
  EXPECT_EQ(next, 101u);
}

TEST(SessionTest, TheCarrierIsWokenOnceUntilItFindsTheSourceEmpty) {
  FakeSession fake;
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(fake.record(i).ok());
  EXPECT_EQ(fake.connection->wakes, 1);
  ASSERT_TRUE(fake.connection->source.take(1 << 20));
  ASSERT_TRUE(fake.record(10).ok());
  EXPECT_EQ(fake.connection->wakes, 1);
  fake.connection->take_all();
  ASSERT_TRUE(fake.record(11).ok());
  EXPECT_EQ(fake.connection->wakes, 2);
}

TEST(SessionTest, AReleaseStandsBehindEarlierRecordsAndBeforeLaterOnes) {
  FakeSession fake;
  ASSERT_TRUE(fake.record(1).ok());
  fake->release(77);
  fake->release(78);
  ASSERT_TRUE(fake.record(2).ok());
  EXPECT_EQ(fake.connection->take_all(), bytes_of([](RecordWriter& out) {
              out.seed(1, 1);
              out.release({77, 78});
              out.seed(2, 2);
            }));
}

TEST(SessionTest, AReleaseInAnIdleSessionGoesOutByItself) {
  FakeSession fake;
  fake->release(5);
  EXPECT_EQ(fake.connection->wakes, 1);
  EXPECT_EQ(fake.connection->take_all(), bytes_of([](RecordWriter& out) { out.release({5}); }));
}

TEST(SessionTest, AReleaseInsideAWriteNeitherBlocksNorPassesTheRecord) {
  FakeSession fake;
  ASSERT_TRUE(fake->record([&](RecordWriter& out) {
                    fake->release(9);
                    return out.seed(1, 1), Status();
                  })
                  .ok());
  EXPECT_EQ(fake.connection->take_all(), bytes_of([](RecordWriter& out) {
              out.seed(1, 1);
              out.release({9});
            }));
}

TEST(SessionTest, AReleaseNeedsNoCredit) {
  wire::Limits limits;
  limits.max_inflight_records = 1;
  FakeSession fake(limits);
  ASSERT_TRUE(fake.record(1).ok());
  fake->release(3);  // would hang here
  fake->release_generator(4);
  EXPECT_EQ(fake.connection->take_all(), bytes_of([](RecordWriter& out) {
              out.seed(1, 1);
              out.release({3});
              out.release_generator(4);
            }));
}

TEST(SessionTest, AFailedWriteLeavesNothingBehindButDefinitionsAndReleases) {
  FakeSession fake;
  const auto op = c10::Dispatcher::singleton().findSchemaOrThrow("aten::relu", "");
  fake->release(6);
  const auto refused = fake->record([&](RecordWriter& out) {
    out.begin_run(fake->op_number(&op.schema(), op), 0);
    out.out().u64(1);
    return Status(StatusCode::kInvalidArgument, "no");
  });
  EXPECT_EQ(refused.status().message(), "no");
  EXPECT_EQ(fake->counters().ops, 0u);
  ASSERT_TRUE(fake->record([&](RecordWriter& out) {
                    out.begin_run(fake->op_number(&op.schema(), op), 0);
                    return out.end_run(), Status();
                  })
                  .ok());
  EXPECT_EQ(fake.connection->take_all(), bytes_of([&](RecordWriter& out) {
              out.release({6});
              out.define_op(1, "aten::relu", "", toString(op.schema()));
              out.begin_run(1, 0);
              out.end_run();
            }));
  EXPECT_EQ(fake->counters().ops, 1u);
  EXPECT_EQ(fake->counters().records, 3u);
}

TEST(SessionTest, AScopeIsDefinedOnce) {
  FakeSession fake;
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(fake->record([&](RecordWriter& out) {
                      fake->define_scope_if_new(0, [] { return std::string("never"); });
                      fake->define_scope_if_new(3, [] { return std::string("net.fc"); });
                      return out.seed(1, 1), Status();
                    })
                    .ok());
  }
  EXPECT_EQ(fake.connection->take_all(), bytes_of([](RecordWriter& out) {
              out.define_scope(3, "net.fc");
              out.seed(1, 1);
              out.seed(1, 1);
            }));
}

TEST(SessionTest, RecordingWaitsWhileTheWorkerIsTooFarBehind) {
  wire::Limits limits;
  limits.max_inflight_records = 3;
  FakeSession fake(limits);
  for (int i = 1; i <= 3; ++i) ASSERT_TRUE(fake.record(i).ok());
  std::atomic<bool> done{false};
  std::thread blocked([&] {
    EXPECT_EQ(fake.record(4).value(), 4u);
    done = true;
  });
  ASSERT_TRUE(eventually([&] { return fake->counters().credit_waits == 1; }));
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_FALSE(done);
  fake.connection->take_all();
  EXPECT_FALSE(done);
  fake.connection->reply_executed(1);
  blocked.join();
  EXPECT_TRUE(done);
}

TEST(SessionTest, AStoppedWorkerBoundsTheBytesThatTheClientHolds) {
  wire::Limits limits;
  limits.max_inflight_bytes = 10000;
  FakeSession fake(limits);
  const std::string payload(1000, 'x');
  std::atomic<int> recorded{0};
  std::thread client([&] {
    while (fake->record([&](RecordWriter& out) { return out.name_storage(1, payload), Status(); }).ok()) ++recorded;
  });
  ASSERT_TRUE(eventually([&] { return fake->counters().credit_waits == 1; }));
  EXPECT_LE(recorded * 1000, 11000);
  uint64_t last = 0;
  while (auto batch = fake.connection->source.take(4096)) last = batch->first_sequence + batch->record_count - 1;
  fake.connection->reply_executed(last);
  ASSERT_TRUE(eventually([&] { return fake->counters().credit_waits == 2; }));
  EXPECT_LE(recorded * 1000, 22000);
  EXPECT_GT(recorded * 1000, 17000);
  fake->close();
  client.join();
}

TEST(SessionTest, ARecordLongerThanTheLimitStillGoesAlone) {
  wire::Limits limits;
  limits.max_inflight_bytes = 10;
  limits.max_inflight_records = 0;
  FakeSession fake(limits);
  EXPECT_TRUE(
      fake->record([&](RecordWriter& out) { return out.name_storage(1, std::string(5000, 'x')), Status(); }).ok());
}

TEST(SessionTest, AFailureIsReportedOnceByTheNextRecord) {
  FakeSession fake;
  ASSERT_TRUE(fake.record(1).ok());
  fake.connection->reply_failure(1, "aten::mm: bad");
  EXPECT_EQ(fake.record(2).status().message(), "aten::mm: bad");
  EXPECT_EQ(fake.record(2).value(), 3u) << "behind the record that makes stale storages usable again";
  EXPECT_EQ(fake.record(3).value(), 4u);
  EXPECT_TRUE(fake->take_error().ok());
}

TEST(SessionTest, SeveralFailuresAreReportedAsOne) {
  FakeSession fake;
  for (int i = 1; i <= 3; ++i) ASSERT_TRUE(fake.record(i).ok());
  for (int i = 1; i <= 3; ++i) fake.connection->reply_failure(i, "op " + std::to_string(i));
  EXPECT_EQ(fake->take_error().message(), "op 1; 2 later ops failed too");
  EXPECT_TRUE(fake->take_error().ok());
}

TEST(SessionTest, ACallThatNobodyLooksAtLeavesTheErrorForOthers) {
  FakeSession fake;
  ASSERT_TRUE(fake.record(1).ok());
  fake.connection->reply_failure(1, "bad");
  EXPECT_TRUE(fake->record([](RecordWriter& out) { return out.seed(1, 1), Status(); }, ReportErrors::kNo).ok());
  EXPECT_EQ(fake->take_error().message(), "bad");
}

TEST(SessionTest, AValueThatFailedCountsAsTheReportOfItsRootError) {
  FakeSession fake;
  ASSERT_TRUE(fake.record(1).ok());
  auto pending = fake->fetch(bytes_ref(4));
  fake.connection->reply_failure(1, "root");
  fake.connection->reply_value_failure(1, 1, "root");
  EXPECT_EQ(pending->wait().status().message(), "root");
  EXPECT_EQ(pending->wait().status().message(), "root");
  EXPECT_TRUE(fake->take_error().ok());
}

TEST(SessionTest, AHealthyValueReportsAnEarlierErrorOnceAndThenItself) {
  FakeSession fake;
  ASSERT_TRUE(fake.record(1).ok());
  auto pending = fake->fetch(bytes_ref(4));
  fake.connection->reply_failure(1, "earlier");
  fake.connection->reply_value(1, "abcd");
  EXPECT_TRUE(pending->wait(std::nullopt, ReportErrors::kNo).ok());
  EXPECT_EQ(pending->wait().status().message(), "earlier");
  EXPECT_EQ(pending->wait().value(), "abcd");
}

TEST(SessionTest, AHealthyValueDoesNotReportALaterError) {
  FakeSession fake;
  auto pending = fake->fetch(bytes_ref(4));
  ASSERT_TRUE(fake.record(1).ok());
  fake.connection->reply_value(1, "abcd");
  fake.connection->reply_failure(2, "later");
  EXPECT_EQ(pending->wait().value(), "abcd");
  EXPECT_EQ(fake->take_error().message(), "later");
}

TEST(SessionTest, SynchronizeReportsTheErrorAndCountsItsPlace) {
  FakeSession fake;
  ASSERT_TRUE(fake.record(1).ok());
  std::thread worker([&] {
    ASSERT_TRUE(eventually([&] { return fake->counters().records == 2; }));
    fake.connection->reply_failure(1, "bad index");
    fake.connection->reply_value(1, "");
  });
  EXPECT_EQ(fake->synchronize("a place").message(), "bad index");
  worker.join();
  EXPECT_EQ(fake->counters().synchronisations, 1u);
  EXPECT_EQ(fake->synchronisation_places().at("a place"), 1u);
}

TEST(SessionTest, WarnSyncPrintsThePlace) {
  SessionOptions options;
  options.warn_sync = true;
  FakeSession fake({}, options);
  testing::internal::CaptureStderr();
  fake->count_synchronisation("Tensor.item");
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("Tensor.item waits for worker fake:1"));
}

TEST(SessionTest, SynchronizeGivesUpAtItsDeadline) {
  FakeSession fake;
  EXPECT_EQ(fake->synchronize("exit", std::chrono::milliseconds(5)).code(), StatusCode::kDeadlineExceeded);
}

TEST(SessionTest, ALostWorkerUnblocksEveryWaiterAndStaysLost) {
  wire::Limits limits;
  limits.max_inflight_records = 1;
  FakeSession fake(limits);
  auto pending = fake->fetch(bytes_ref(4));
  std::thread recorder([&] { EXPECT_EQ(fake.record(1).status().code(), StatusCode::kUnavailable); });
  std::thread waiter([&] { EXPECT_EQ(pending->wait().status().code(), StatusCode::kUnavailable); });
  ASSERT_TRUE(eventually([&] { return fake->counters().credit_waits == 1; }));
  EXPECT_TRUE(fake->alive());
  fake.connection->listener.on_closed({StatusCode::kUnavailable, "Socket closed"});
  recorder.join();
  waiter.join();
  EXPECT_FALSE(fake->alive());
  const Status status = fake.record(2).status();
  EXPECT_EQ(status.message(), "worker fake:1 is gone: Socket closed; it had run 0 of 1 records");
  EXPECT_EQ(fake->upload(1, length(4), 0, "abcd", 4), status);
  EXPECT_EQ(fake->synchronize(), status);
  EXPECT_EQ(fake->fetch(bytes_ref(1))->wait().status(), status);
  const int wakes = fake.connection->wakes;
  fake->release(1);
  EXPECT_EQ(fake.connection->wakes, wakes);
  EXPECT_FALSE(fake.connection->source.take(1 << 20));
}

TEST(SessionTest, AFailureWithoutAnOpEndsTheSession) {
  FakeSession fake;
  fake.connection->reply_failure(0, "sequence numbers have a gap");
  EXPECT_THAT(fake.record(1).status().message(), HasSubstr("sequence numbers have a gap"));
}

TEST(SessionTest, CloseIsFinalAndTellsTheWorker) {
  FakeSession fake;
  auto pending = fake->fetch(bytes_ref(4));
  std::vector<std::string> told;
  fake.connection->on_close = [&] { told.emplace_back("closed"); };
  fake.connection->on_gone = [&] { told.emplace_back("gone"); };
  fake->close();
  EXPECT_EQ(told, (std::vector<std::string>{"closed", "gone"}));
  EXPECT_EQ(pending->wait().status().code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(fake.record(1).status().message(), "the connection to worker fake:1 was closed");
}

TEST(SessionTest, AForkedChildIsRefusedAndItsReleasesDoNothing) {
  FakeSession fake;
  ASSERT_TRUE(fake.record(1).ok());
  auto pending = fake->fetch(bytes_ref(4));
  const int wakes = fake.connection->wakes;
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const bool refused = fake.record(1).status().code() == StatusCode::kFailedPrecondition &&
                         fake->upload(1, length(4), 0, "abcd", 4).code() == StatusCode::kFailedPrecondition &&
                         fake->synchronize().code() == StatusCode::kFailedPrecondition &&
                         pending->wait().status().code() == StatusCode::kFailedPrecondition;
    fake->release(1);
    const bool quiet = fake.connection->wakes == wakes;
    fake.session.reset();
    _exit(refused && quiet ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(fake.record(2).ok());
}

TEST(SessionTest, RecordsOfManyThreadsAllArriveAndEachThreadsOwnInOrder) {
  wire::Limits limits;
  limits.max_inflight_records = 50;
  FakeSession fake(limits);
  constexpr uint64_t kThreads = 4, kEach = 2000;
  std::atomic<bool> stop{false};
  std::vector<uint64_t> last(kThreads, 0);
  std::atomic<uint64_t> releases{0}, taken{0};
  std::thread worker([&] {
    while (!stop) {
      auto batch = fake.connection->source.take(512);
      if (!batch) continue;
      wire::ByteReader in(batch->bytes);
      while (!in.done()) {
        if (static_cast<wire::Verb>(in.u8()) == wire::Verb::kRelease) {
          for (uint64_t n = in.varint(); n > 0; --n) in.u64(), ++releases;
          continue;
        }
        const uint64_t thread = in.varint(), number = in.u64();
        ASSERT_EQ(number, last[thread] + 1);
        last[thread] = number;
      }
      taken += batch->record_count;
      fake.connection->reply_executed(batch->first_sequence + batch->record_count - 1);
    }
  });
  std::vector<std::thread> clients;
  for (uint64_t t = 0; t < kThreads; ++t) {
    clients.emplace_back([&, t] {
      for (uint64_t i = 1; i <= kEach; ++i) {
        ASSERT_TRUE(fake->record([&](RecordWriter& out) { return out.seed(t, i), Status(); }).ok());
        fake->release(i);
      }
    });
  }
  for (auto& client : clients) client.join();
  const auto all_done = [&] {
    return taken == fake->counters().records && fake->counters().records >= kThreads * kEach;
  };
  fake->release(0);  // the last release of each thread may stand behind its last record
  EXPECT_TRUE(eventually(all_done));
  EXPECT_TRUE(eventually([&] { return releases == kThreads * kEach + 1; }));
  stop = true;
  worker.join();
  EXPECT_THAT(last, testing::Each(kEach));
}

TEST(StorageIdTest, IdsAreNeverZeroAndNeverRepeat) {
  const uint64_t first = next_storage_id();
  const uint64_t block = reserve_storage_ids(10);
  const uint64_t after = next_storage_id();
  EXPECT_NE(first, 0u);
  EXPECT_EQ(block, first + 1);
  EXPECT_EQ(after, first + 11);
}

TEST(StorageIdTest, AForkedChildDrawsANewBase) {
  const uint64_t parent = next_storage_id();
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const uint64_t own = next_storage_id();
    _exit((own >> 40) != (parent >> 40) ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace remote::client
