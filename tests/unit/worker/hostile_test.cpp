// Every field from the wire is hostile. What is wrong in itself ends the session with a sentence; what is wrong about
// an op fails the op. In either case the worker and its other sessions go on.
#include "test_session.h"

namespace remote::worker {
namespace {

using c10::ScalarType;
using testing::HasSubstr;

class HostileTest : public WorkerTest {
 protected:
  /// Sends these bytes as the next record, on a session of their own, and returns why the session ended.
  Status end_of(const std::function<void(wire::ByteWriter&)>& write) {
    auto victim = std::make_unique<TestSession>(*backend);
    victim->floats({1, 2});
    wire::ByteWriter bytes;
    write(bytes);
    victim->synchronize();
    victim->send_batch({3, 1, bytes.take()});
    const Status reason = victim->end_reason();
    const Status bystander = client->fetch_status(client->floats({1}));
    EXPECT_TRUE(bystander.ok()) << bystander;
    return reason;
  }
  Status end_of_verb(wire::Verb verb, const std::function<void(wire::ByteWriter&)>& write) {
    return end_of([&](wire::ByteWriter& out) {
      out.u8(static_cast<uint8_t>(verb));
      write(out);
    });
  }
  /// The status of reading this view of a storage of 16 bytes.
  Status status_of_view(c10::ArrayRef<int64_t> sizes, c10::ArrayRef<int64_t> strides, int64_t offset,
                        ScalarType dtype = ScalarType::Float) {
    const auto a = client->floats({1, 2, 3, 4});
    return client->fetch_status(TestSession::ref(a.storage, dtype, sizes, strides, offset));
  }
};

TEST_F(HostileTest, AnUnknownVerbEndsTheSession) {
  EXPECT_EQ(end_of([](auto& out) { out.u8(0); }).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(end_of([](auto& out) { out.u8(200); }).code(), StatusCode::kInvalidArgument);
}

TEST_F(HostileTest, ACutOffRecordEndsTheSession) {
  for (uint8_t verb = 1; verb <= 18; ++verb) {
    if (verb == static_cast<uint8_t>(wire::Verb::kClearErrors)) continue;
    EXPECT_EQ(end_of([&](auto& out) { out.u8(verb); }).code(), StatusCode::kInvalidArgument) << int{verb};
  }
}

TEST_F(HostileTest, ARunOfAnUndefinedOpEndsTheSession) {
  EXPECT_THAT(end_of_verb(wire::Verb::kRun, [](auto& out) { out.varint(9), out.varint(0); }).message(),
              HasSubstr("op number 9"));
}

TEST_F(HostileTest, AnOpNumberOutOfBoundsEndsTheSession) {
  EXPECT_EQ(end_of_verb(wire::Verb::kDefineOp,
                        [](auto& out) {
                          out.varint(uint64_t{1} << 40), out.string("aten::neg"), out.string(""),
                              out.string("aten::neg(Tensor self) -> Tensor");
                        })
                .code(),
            StatusCode::kInvalidArgument);
}

TEST_F(HostileTest, ATextThatIsNoSchemaEndsTheSession) {
  EXPECT_THAT(
      end_of_verb(wire::Verb::kDefineOp,
                  [](auto& out) { out.varint(1), out.string("evil::op"), out.string(""), out.string("evil::op((("); })
          .message(),
      HasSubstr("schema"));
}

TEST_F(HostileTest, StringsAndCountsAreCapped) {
  EXPECT_EQ(
      end_of_verb(wire::Verb::kDefineScope, [](auto& out) { out.varint(1), out.string(std::string(100000, 'x')); })
          .code(),
      StatusCode::kInvalidArgument);
  EXPECT_EQ(end_of_verb(wire::Verb::kRelease, [](auto& out) { out.varint(uint64_t{1} << 60); }).code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(end_of_verb(wire::Verb::kUpload,
                        [](auto& out) {
                          out.u64(5), out.u8(1), out.varint(uint64_t{1} << 60), out.varint(0), out.varint(0),
                              out.string("");
                        })
                .code(),
            StatusCode::kInvalidArgument);
}

TEST_F(HostileTest, StorageNumberZeroEndsTheSession) {
  EXPECT_EQ(end_of_verb(
                wire::Verb::kUpload,
                [](auto& out) { out.u64(0), out.u8(1), out.varint(1), out.varint(0), out.varint(0), out.string("x"); })
                .code(),
            StatusCode::kInvalidArgument);
}

TEST_F(HostileTest, MoreOrFewerRecordsThanABatchSaysEndTheSession) {
  for (const uint32_t count : {0u, 1u, 3u}) {
    TestSession victim(*backend);
    wire::RecordWriter out;
    out.clear_errors();
    out.clear_errors();
    wire::Batch batch = out.take(1);
    batch.record_count = count;
    victim.send_batch(batch);
    EXPECT_EQ(victim.end_reason().code(), StatusCode::kInvalidArgument) << count;
  }
}

TEST_F(HostileTest, AGapInTheSequenceEndsTheSession) {
  TestSession victim(*backend);
  wire::RecordWriter out;
  out.clear_errors();
  victim.send_batch(out.take(7));
  EXPECT_THAT(victim.end_reason().message(), HasSubstr("number 7"));
}

TEST_F(HostileTest, ViewsBeyondTheirStorageFail) {
  EXPECT_TRUE(status_of_view({4}, {1}, 0).ok());
  EXPECT_EQ(status_of_view({5}, {1}, 0).code(), StatusCode::kOutOfRange);
  EXPECT_EQ(status_of_view({4}, {1}, 1).code(), StatusCode::kOutOfRange);
  EXPECT_EQ(status_of_view({2, 2}, {3, 1}, 0).code(), StatusCode::kOutOfRange);
  EXPECT_EQ(status_of_view({4}, {1}, 0, ScalarType::Double).code(), StatusCode::kOutOfRange);
  EXPECT_EQ(status_of_view({1}, {1}, int64_t{1} << 45).code(), StatusCode::kOutOfRange);
}

TEST_F(HostileTest, ExtentsThatOverflowFail) {
  constexpr int64_t kBig = int64_t{1} << 45;
  EXPECT_EQ(status_of_view({kBig, kBig}, {kBig, kBig}, 0).code(), StatusCode::kOutOfRange);
  EXPECT_EQ(status_of_view({2}, {INT64_MAX}, 0).code(), StatusCode::kOutOfRange);
  EXPECT_EQ(status_of_view({3, 3}, {INT64_MAX / 2, INT64_MAX / 2}, 0).code(), StatusCode::kOutOfRange);
}

TEST_F(HostileTest, NegativeStridesFail) {
  EXPECT_EQ(status_of_view({2}, {-1}, 1).code(), StatusCode::kOutOfRange);
}

TEST_F(HostileTest, RepeatedElementsAreCapped) {
  constexpr int64_t kMany = int64_t{1} << 30;
  EXPECT_EQ(status_of_view({kMany, kMany}, {0, 0}, 0).code(), StatusCode::kOutOfRange);
}

TEST_F(HostileTest, ARankAboveTheLimitEndsTheSession) {
  EXPECT_EQ(end_of_verb(wire::Verb::kFetch,
                        [](auto& out) {
                          out.varint(1), out.u8(1), out.u8(6), out.u64(1001), out.u8(wire::kMaxRank + 1);
                          for (int i = 0; i <= static_cast<int>(wire::kMaxRank); ++i) out.varint(1);
                        })
                .code(),
            StatusCode::kInvalidArgument);
}

TEST_F(HostileTest, ADtypeThatIsNoneEndsTheSession) {
  for (const int dtype : {12, 13, 14, 200, 255}) {  // three quantized ones, and none at all
    EXPECT_EQ(end_of_verb(wire::Verb::kFetch,
                          [&](auto& out) {
                            out.varint(1), out.u8(1), out.u8(static_cast<uint8_t>(dtype)), out.u64(1001), out.u8(0);
                          })
                  .code(),
              StatusCode::kInvalidArgument)
        << dtype;
  }
}

TEST_F(HostileTest, UnknownFlagsEndTheSession) {
  EXPECT_EQ(end_of_verb(wire::Verb::kFetch,
                        [](auto& out) { out.varint(1), out.u8(0x81), out.u8(6), out.u64(1001), out.u8(0); })
                .code(),
            StatusCode::kInvalidArgument);
}

TEST_F(HostileTest, AConjugatedRealTensorFails) {
  auto a = client->floats({1, 2});
  a.conj = true;
  EXPECT_EQ(client->fetch_status(a).code(), StatusCode::kInvalidArgument);
}

TEST_F(HostileTest, AnIdIsNeverMadeTwice) {
  const auto a = client->floats({1, 2});
  const auto again = client->call("aten::neg", "", {a}, ScalarType::Float, {2});
  client->run_declared("aten::abs", "", {a}, {TestSession::declare(again)});
  EXPECT_EQ(client->failures().size(), 1u);
  auto fresh = a;
  fresh.fresh = true;
  fresh.fresh_bytes = 8;
  client->run("aten::zero_", "", {fresh});
  EXPECT_EQ(client->failures().size(), 2u);
  EXPECT_TRUE(same(client->read(a), at::tensor({1.f, 2.f})));
}

TEST_F(HostileTest, AnArgumentOfAnotherTypeFailsTheOp) {
  const auto a = client->floats({1, 2});
  const auto check = [&](const char* name, const char* overload, const std::vector<Argument>& arguments) {
    const Status status = client->fetch_status(client->call(name, overload, arguments, ScalarType::Float, {2}));
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << name;
    EXPECT_THAT(status.message(), HasSubstr("argument"));
  };
  check("aten::neg", "", {c10::IValue(3)});
  check("aten::neg", "", {c10::IValue()});
  check("aten::neg", "", {c10::IValue(at::Tensor())});
  check("aten::add", "Tensor", {a, a, c10::IValue("one")});
  check("aten::repeat", "", {a, c10::IValue(2)});
  check("aten::cat", "", {a, c10::IValue(0)});
  check("aten::softmax", "int", {a, c10::IValue(0.5), c10::IValue()});
}

TEST_F(HostileTest, TapedOpsCheckWhatTheyGet) {
  const auto query = client->upload(at::rand({2, 3, 4, 5})), whole = client->upload(at::zeros({2}, at::kLong));
  const auto attend = [&](const wire::TensorRef& value, std::initializer_list<bool> needs_gradient) {
    const auto result = TestSession::ref(client->next_id(), ScalarType::Float, {2, 3, 4, 5});
    const auto tape = TestSession::ref(client->next_id(), ScalarType::Byte, {0});
    client->run_declared("remote_taped::scaled_dot_product_attention", "",
                         {query, query, value, c10::IValue(), c10::IValue(0.0), c10::IValue(false), c10::IValue(),
                          c10::IValue(false), c10::IValue(c10::List<bool>(needs_gradient))},
                         {TestSession::declare(result), TestSession::declare_opaque(tape.storage)});
    return std::pair(result, tape);
  };
  const auto failure = [&](const wire::TensorRef& result) { return client->fetch_status(result).message(); };
  EXPECT_THAT(failure(attend(query, {true}).first), HasSubstr("needs_gradient has 1 elements"));
  EXPECT_THAT(failure(attend(query, {true, false, false, true}).first), HasSubstr("4 elements for 3 tensors"));
  EXPECT_THAT(failure(attend(whole, {false, false, true}).first), HasSubstr("floating point"));

  const auto backward = [&](const wire::TensorRef& tape, const std::vector<wire::TensorRef>& gradients) {
    return client->call("remote_taped::backward", "", {tape, gradients}, ScalarType::Float, {2, 3, 4, 5});
  };
  const auto [result, tape] = attend(query, {false, true, false});
  EXPECT_THAT(failure(backward(query, {result})), HasSubstr("expected what a taped op has saved"));
  EXPECT_THAT(failure(backward(tape, {result, result})), HasSubstr("expected 1 gradients, got 2"));
  EXPECT_THAT(failure(backward(tape, {whole})), HasSubstr("shape"));
  EXPECT_THAT(failure(backward(tape, {tape})), HasSubstr("shape"));
  EXPECT_THAT(failure(tape), HasSubstr("opaque"));
  EXPECT_EQ(failure(backward(tape, {result})), "");
}

TEST_F(HostileTest, ListsOfNumbersDoNotNest) {
  EXPECT_EQ(end_of_verb(wire::Verb::kRun, [](auto& out) { out.varint(1), out.varint(0); }).code(),
            StatusCode::kInvalidArgument);
  TestSession victim(*backend);
  victim.queue([&](wire::RecordWriter& out) {
    const auto op = c10::Dispatcher::singleton().findSchemaOrThrow("aten::neg", "");
    out.define_op(1, "aten::neg", "", toString(op.schema()));
    out.begin_run(1, 0);
    for (int i = 0; i < 200000; ++i) out.out().u8(static_cast<uint8_t>(wire::Tag::kScalarList)), out.out().u8(1);
    out.end_run();
  });
  victim.session->wake();
  EXPECT_EQ(victim.end_reason().code(), StatusCode::kInvalidArgument);
}

TEST_F(HostileTest, UploadsOutOfBoundsFailAndChangeNothing) {
  const auto a = client->floats({1, 2});
  client->send([&](wire::RecordWriter& out) {
    out.upload_inline(a.storage, std::nullopt, 6, "abc");
    out.upload_inline(a.storage, std::nullopt, UINT64_MAX, "abc");
    out.upload_inline(99, std::nullopt, 0, "abc");
    out.clear_errors();
  });
  EXPECT_EQ(client->failures().size(), 3u);
  EXPECT_TRUE(same(client->read(a), at::tensor({1.f, 2.f})));
}

TEST_F(HostileTest, PiecesThatDoNotFitEndTheSession) {
  const auto refused = [&](std::vector<wire::Chunk> chunks) {
    TestSession victim(*backend);
    Status last;
    for (const auto& chunk : chunks) last = victim.session->supply(chunk);
    EXPECT_EQ(victim.end_reason(), last);
    return last.code();
  };
  const std::string bytes(100, 'x');
  EXPECT_EQ(refused({{1, wire::kTransferBytes + 1, 0, bytes}}), StatusCode::kInvalidArgument);
  EXPECT_EQ(refused({{1, 50, 0, bytes}}), StatusCode::kInvalidArgument);
  EXPECT_EQ(refused({{1, 200, 0, bytes}, {1, 200, 50, bytes}}), StatusCode::kInvalidArgument);
  EXPECT_EQ(refused({{1, 200, 0, bytes}, {1, 300, 100, bytes}}), StatusCode::kInvalidArgument);
  EXPECT_EQ(refused({{1, 200, 100, bytes}}), StatusCode::kInvalidArgument);
}

TEST_F(HostileTest, MoreUploadsThanTheLimitEndTheSession) {
  TestSession victim(*backend);
  Status last;
  uint64_t transfer = 0;
  while (last.ok() && transfer < 100) last = victim.session->supply({++transfer, wire::kTransferBytes, 0, "x"});
  EXPECT_EQ(last.code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(transfer, wire::Limits().max_inflight_transfer_bytes / wire::kTransferBytes + 1);
  EXPECT_EQ(victim.end_reason().code(), StatusCode::kResourceExhausted);
}

TEST_F(HostileTest, ATransferOfAnotherLengthThanItsRecordSaysEndsTheSession) {
  TestSession victim(*backend);
  ASSERT_TRUE(victim.session->supply({1, 4, 0, "abcd"}).ok());
  victim.send([](wire::RecordWriter& out) { out.upload_transfer(1, 8, 0, 1, 8); });
  EXPECT_THAT(victim.end_reason().message(), HasSubstr("transfer 1"));
}

TEST_F(HostileTest, ABatchBeyondTheLimitEndsTheSession) {
  BackendOptions options;
  options.limits.max_inflight_bytes = 10000;
  options.limits.max_batch_bytes = 1000;
  start(options);
  TestSession victim(*backend);
  victim.send([](wire::RecordWriter& out) {
    for (int i = 0; i < 200; ++i) out.define_scope(1, std::string(100, 'x'));
  });
  EXPECT_EQ(victim.end_reason().code(), StatusCode::kResourceExhausted);
}

TEST_F(HostileTest, ASessionThatHasEndedHoldsNothingAndHearsNothing) {
  auto victim = std::make_unique<TestSession>(*backend);
  victim->floats({1, 2});
  victim->synchronize();
  victim->send_batch({99, 1, "x"});
  EXPECT_EQ(victim->end_reason().code(), StatusCode::kInvalidArgument);
  EXPECT_TRUE(reaches([](const auto& now) { return now.storages == 0; }));
  const uint64_t replies = victim->replies();
  victim->send([](wire::RecordWriter& out) { out.synchronize(1); });
  EXPECT_FALSE(victim->session->supply({1, 4, 0, "abcd"}).ok());
  client->synchronize();
  EXPECT_EQ(victim->replies(), replies);
}

TEST_F(HostileTest, SettingsAndGeneratorsThatDoNotExistFailAsRecords) {
  client->send([](wire::RecordWriter& out) {
    out.setting(static_cast<wire::SettingKey>(99), 1);
    out.setting(wire::SettingKey::kDeterministicAlgorithms, 3);
    out.setting(wire::SettingKey::kDefaultDtype, static_cast<uint64_t>(ScalarType::QInt8));
    out.setting(wire::SettingKey::kDefaultDtype, 250);
    out.setting(wire::SettingKey::kMkldnnMatrixPrecision, 4);
    out.setting(wire::SettingKey::kCudaMatrixPrecision, static_cast<uint64_t>(at::Float32Precision::BF16));
    out.seed(5, 1);
    out.fork_generator(5, 6);
    out.create_generator(0, 1);
    out.set_generator_state(0, "no state");
  });
  EXPECT_EQ(client->failures().size(), 10u);
}

TEST_F(HostileTest, AnUnknownGeneratorFailsTheOp) {
  const auto a = client->floats({1, 2});
  client->send([&](wire::RecordWriter& out) {
    const auto op = c10::Dispatcher::singleton().findSchemaOrThrow("aten::uniform_", "");
    out.define_op(500, "aten::uniform_", "", toString(op.schema()));
    out.begin_run(500, 0);
    out.out().u8(static_cast<uint8_t>(wire::Tag::kTensor));
    wire::write_tensor_ref(out.out(), a);
    for (int i = 0; i < 2; ++i) out.out().u8(static_cast<uint8_t>(wire::Tag::kDouble)), out.out().f64(i);
    out.out().u8(static_cast<uint8_t>(wire::Tag::kGenerator));
    out.out().varint(42);
    out.end_run();
  });
  EXPECT_THAT(client->fetch_status(a).message(), HasSubstr("generator 42"));
}

}  // namespace
}  // namespace remote::worker
