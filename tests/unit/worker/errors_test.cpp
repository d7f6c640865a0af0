// Poisoned and stale storages, root errors, and what their texts say.
#include <sys/resource.h>

#include <worker/backend/outbox.h>

#include "test_session.h"

namespace remote::worker {
namespace {

using c10::ScalarType;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class ErrorsTest : public WorkerTest {
 protected:
  /// A tensor whose op has failed: the index is out of range, which only the worker can see.
  wire::TensorRef poisoned(c10::ArrayRef<int64_t> sizes = {2}) {
    const auto table = client->floats({1, 2});
    const auto index = client->upload(at::full(sizes, 7, at::kLong));
    return client->call("aten::index_select", "", {table, c10::IValue(0), index}, ScalarType::Float, sizes);
  }
  void clear_errors() {
    client->send([](wire::RecordWriter& out) { out.clear_errors(); });
  }
};

TEST_F(ErrorsTest, AFailingOpPoisonsItsOutputAndWhatDependsOnItCarriesTheRootError) {
  const auto bad = poisoned();
  const auto worse = client->call("aten::neg", "", {bad}, ScalarType::Float, {2});
  const auto root = client->fetch(bad), later = client->fetch(worse);
  EXPECT_EQ(root.status.code(), StatusCode::kOutOfRange);
  EXPECT_EQ(later.status, root.status);
  EXPECT_EQ(later.failed_sequence, root.failed_sequence);
  const auto failures = client->failures();
  ASSERT_EQ(failures.size(), 1u) << "a skipped op is no failure of its own";
  EXPECT_EQ(failures[0].sequence, root.failed_sequence);
  EXPECT_EQ(failures[0].status, root.status);
  EXPECT_EQ(client->statistics().failed_ops, 1u);
  EXPECT_EQ(client->statistics().skipped_ops, 1u);
}

TEST_F(ErrorsTest, AStorageThatAFailedOpWasToReadIsAsItWasEvenIfTheOpIsTheFirstToNameIt) {
  const auto unused = client->fresh(ScalarType::Float, {2});
  const auto index = client->upload(at::full({2}, 7, at::kLong));
  const auto bad = client->call("aten::index_select", "", {unused, c10::IValue(0), index}, ScalarType::Float, {2});
  EXPECT_FALSE(client->fetch(bad).status.ok());
  EXPECT_TRUE(client->fetch(TestSession::known(unused)).status.ok());
}

TEST_F(ErrorsTest, WarningsOfAnOpComeBeforeItsResult) {
  const auto one = client->floats({1});
  client->read(client->call("aten::std", "", {one, c10::IValue(true)}, ScalarType::Float, {}));
  EXPECT_THAT(client->warnings(), testing::ElementsAre(AllOf(HasSubstr("degrees of freedom"), HasSubstr("aten::std"),
                                                             HasSubstr("worker cpu"))));
}

TEST(OutboxTest, CountsTheWarningsThatAReplyHasNoRoomFor) {
  Outbox outbox;
  for (size_t i = 0; i < Outbox::kMaxWarnings + 6; ++i) outbox.warn(std::to_string(i));
  const auto warnings = outbox.take_warnings();
  ASSERT_EQ(warnings.size(), Outbox::kMaxWarnings + 1);
  EXPECT_EQ(warnings[Outbox::kMaxWarnings - 1], std::to_string(Outbox::kMaxWarnings - 1));
  EXPECT_EQ(warnings.back(), "and 6 more warnings of ops");
  EXPECT_THAT(outbox.take_warnings(), testing::IsEmpty());
}

TEST_F(ErrorsTest, TheTextNamesOpTensorsScopeParameterRecordAndWorker) {
  const auto weight = client->upload(at::ones({2, 2})), input = client->upload(at::ones({4, 1}));
  client->send([&](wire::RecordWriter& out) {
    out.define_scope(3, "net.fc2");
    out.name_storage(weight.storage, "net.fc2.weight");
  });
  const auto result = TestSession::ref(client->next_id(), ScalarType::Float, {2, 1});
  const uint64_t sequence =
      client->run_declared("aten::mm", "", {weight, input}, {TestSession::declare(result)}, /*scope=*/3);
  const Status status = client->fetch_status(result);
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(status.message(),
              AllOf(HasSubstr("aten::mm: "), HasSubstr("self Float[2, 2]"), HasSubstr("mat2 Float[4, 1]"),
                    HasSubstr("net.fc2;"), HasSubstr("parameter net.fc2.weight"),
                    HasSubstr("record " + std::to_string(sequence)), HasSubstr("worker cpu")));
  EXPECT_THAT(status.message(), Not(HasSubstr("Exception raised")));
  EXPECT_THAT(status.message(), Not(HasSubstr("\n")));
}

TEST_F(ErrorsTest, AnOpThatIsSkippedLeavesItsTargetsBytesAloneAndStale) {
  const auto parameter = client->floats({1, 2});
  client->run("aten::add_", "Tensor", {parameter, poisoned(), c10::IValue(1)});
  EXPECT_FALSE(client->fetch_status(parameter).ok());
  clear_errors();
  EXPECT_TRUE(same(client->read(parameter), at::tensor({1.f, 2.f})));
}

TEST_F(ErrorsTest, ABadBatchInAFusedStepLeavesTheParametersIntact) {
  using List = std::vector<wire::TensorRef>;
  const auto p = client->floats({1, 2}), q = client->floats({3, 4}), good = client->floats({1, 1});
  const auto m = client->floats({0, 0}), n = client->floats({0, 0});
  client->run(
      "aten::_fused_sgd_", "",
      {List{p, q}, List{good, poisoned()}, List{m, n}, c10::IValue(0.0), c10::IValue(0.9), c10::IValue(0.1),
       c10::IValue(0.0), c10::IValue(false), c10::IValue(false), c10::IValue(true), c10::IValue(), c10::IValue()});
  for (const auto& tensor : {p, q, m, n}) EXPECT_FALSE(client->fetch_status(tensor).ok());
  clear_errors();
  EXPECT_TRUE(same(client->read(p), at::tensor({1.f, 2.f})));
  EXPECT_TRUE(same(client->read(q), at::tensor({3.f, 4.f})));
}

TEST_F(ErrorsTest, AnOpThatThrowsWhileItWritesPoisonsItsTarget) {
  const auto target = client->floats({1, 2});
  const auto index = client->upload(at::tensor({int64_t{9}}));
  client->run("aten::index_fill_", "int_Scalar", {target, c10::IValue(0), index, c10::IValue(5)});
  EXPECT_FALSE(client->fetch_status(target).ok());
  clear_errors();
  EXPECT_FALSE(client->fetch_status(target).ok()) << "nobody knows what a partly written storage holds";
}

TEST_F(ErrorsTest, AnOpWithABadArgumentNeverStartedAndItsTargetIsStale) {
  const auto target = client->floats({1, 2});
  client->run("aten::add_", "Tensor", {target, TestSession::ref(77, ScalarType::Float, {2}), c10::IValue(1)});
  EXPECT_THAT(client->fetch_status(target).message(), HasSubstr("77"));
  clear_errors();
  EXPECT_TRUE(same(client->read(target), at::tensor({1.f, 2.f})));
}

TEST_F(ErrorsTest, AFreshTargetOfASkippedOpIsPoisonedForGood) {
  const auto out = client->fresh(ScalarType::Float, {2});
  client->run("aten::neg", "out", {poisoned(), out});
  clear_errors();
  EXPECT_FALSE(client->fetch_status(TestSession::known(out)).ok());
}

TEST_F(ErrorsTest, AFullOverwriteHealsWhateverItsKind) {
  const auto source = client->floats({5, 6});
  const auto heal = [&](const char* what, const std::function<void(const wire::TensorRef&)>& overwrite) {
    const auto bad = poisoned();
    overwrite(bad);
    const Status status = client->fetch_status(bad);
    EXPECT_TRUE(status.ok()) << what << ": " << status;
  };
  heal("fill_", [&](auto bad) { client->run("aten::fill_", "Scalar", {bad, c10::IValue(1)}); });
  heal("zero_", [&](auto bad) { client->run("aten::zero_", "", {bad}); });
  heal("copy_", [&](auto bad) { client->run("aten::copy_", "", {bad, source, c10::IValue(false)}); });
  heal("normal_",
       [&](auto bad) { client->run("aten::normal_", "", {bad, c10::IValue(0.0), c10::IValue(1.0), c10::IValue()}); });
  heal("out", [&](auto bad) { client->run("aten::neg", "out", {source, bad}); });
  heal("upload", [&](auto bad) {
    client->send(
        [&](wire::RecordWriter& out) { out.upload_inline(bad.storage, std::nullopt, 0, std::string(8, 'x')); });
  });
  heal("upload in pieces", [&](auto bad) {
    client->send([&](wire::RecordWriter& out) {
      out.upload_inline(bad.storage, std::nullopt, 0, std::string(5, 'x'));
      out.upload_inline(bad.storage, std::nullopt, 5, std::string(3, 'x'));
    });
  });
}

TEST_F(ErrorsTest, APartialOverwriteHealsNothing) {
  const auto bad = poisoned();
  const auto half = TestSession::ref(bad.storage, ScalarType::Float, {1});
  client->run("aten::fill_", "Scalar", {half, c10::IValue(1)});
  EXPECT_FALSE(client->fetch_status(half).ok());
  client->send([&](wire::RecordWriter& out) {
    out.upload_inline(bad.storage, std::nullopt, 0, "1234");
    out.upload_inline(bad.storage, std::nullopt, 5, "678");
  });
  EXPECT_FALSE(client->fetch_status(bad).ok());
}

TEST_F(ErrorsTest, AFullOverwriteEndsStaleWithoutClearing) {
  const auto parameter = client->floats({1, 2});
  client->run("aten::add_", "Tensor", {parameter, poisoned(), c10::IValue(1)});
  client->run("aten::zero_", "", {parameter});
  EXPECT_TRUE(same(client->read(parameter), at::zeros({2})));
}

TEST_F(ErrorsTest, RunningStatisticsOfASkippedBatchNormAreStaleAlthoughTheSchemaDoesNotNameThem) {
  const auto mean = client->floats({1, 1}), variance = client->floats({2, 2});
  const auto input = poisoned({3, 2});
  const auto output = TestSession::ref(client->next_id(), ScalarType::Float, {3, 2});
  const auto save_mean = TestSession::ref(client->next_id(), ScalarType::Float, {2});
  const auto save_invstd = TestSession::ref(client->next_id(), ScalarType::Float, {2});
  client->run_declared(
      "aten::native_batch_norm", "",
      {input, c10::IValue(), c10::IValue(), mean, variance, c10::IValue(true), c10::IValue(0.1), c10::IValue(1e-5)},
      {TestSession::declare(output), TestSession::declare(save_mean), TestSession::declare(save_invstd)});
  EXPECT_FALSE(client->fetch_status(mean).ok());
  clear_errors();
  EXPECT_TRUE(same(client->read(mean), at::tensor({1.f, 1.f})));
  EXPECT_TRUE(same(client->read(variance), at::tensor({2.f, 2.f})));
}

TEST_F(ErrorsTest, AHealthyTensorCanBeReadAfterAnError) {
  const auto a = client->floats({1, 2});
  poisoned();
  EXPECT_TRUE(same(client->read(a), at::tensor({1.f, 2.f})));
}

TEST_F(ErrorsTest, AFailedAskCarriesItsErrorInTheAnswer) {
  const auto answer = client->run_ask("aten::nonzero", "", {poisoned()}, client->next_id());
  EXPECT_EQ(answer.status.code(), StatusCode::kOutOfRange);
  EXPECT_NE(answer.failed_sequence, 0u);
  const uint64_t first = client->next_id();
  const auto wrong = client->run_ask(
      "aten::index_select", "", {client->floats({1}), c10::IValue(0), client->upload(at::tensor({int64_t{9}}))}, first);
  EXPECT_EQ(wrong.status.code(), StatusCode::kOutOfRange);
  EXPECT_EQ(client->fetch_status(TestSession::ref(first, ScalarType::Float, {1})).code(), StatusCode::kNotFound);
}

TEST_F(ErrorsTest, AnOpOutsideTheAllowListIsRefusedByName) {
  const auto a = client->floats({1, 2});
  const auto result = client->call("aten::from_file", "",
                                   {c10::IValue("/etc/hostname"), c10::IValue(false), c10::IValue(4), c10::IValue(6),
                                    c10::IValue(), c10::IValue(), c10::IValue()},
                                   ScalarType::Float, {4});
  const Status status = client->fetch_status(result);
  EXPECT_EQ(status.code(), StatusCode::kPermissionDenied);
  EXPECT_THAT(status.message(), HasSubstr("aten::from_file"));
  client->run("aten::set_", "source_Tensor", {a, a});
  EXPECT_EQ(client->fetch_status(a).code(), StatusCode::kPermissionDenied);
  clear_errors();
  EXPECT_TRUE(client->fetch_status(a).ok()) << "an op that was refused has written nothing";
}

TEST_F(ErrorsTest, AnotherNamespaceNeedsThePermissionOfTheOperator) {
  const auto a = client->floats({1, 2});
  const uint64_t first = client->next_id();
  const auto refused = client->run_ask("quantized::linear_prepack", "", {a, c10::IValue()}, first);
  EXPECT_EQ(refused.status.code(), StatusCode::kPermissionDenied);
  EXPECT_THAT(refused.status.message(), HasSubstr("--allow-namespace quantized"));
}

TEST_F(ErrorsTest, AnotherSchemaIsOneClearErrorAndTheStreamGoesOn) {
  const auto a = client->floats({1, 2});
  const auto result = TestSession::ref(client->next_id(), ScalarType::Float, {2});
  client->send([&](wire::RecordWriter& out) {
    out.define_op(500, "aten::neg", "", "aten::neg(Tensor self, int novelty) -> Tensor");
    out.begin_run(500, 0);
    out.out().u8(static_cast<uint8_t>(wire::Tag::kTensor));
    wire::write_tensor_ref(out.out(), a);
    out.out().u8(static_cast<uint8_t>(wire::Tag::kInt));
    out.out().svarint(3);
    out.end_run(TestSession::declare(result));
  });
  const Status status = client->fetch_status(result);
  EXPECT_EQ(status.code(), StatusCode::kUnimplemented);
  EXPECT_THAT(status.message(), AllOf(HasSubstr("int novelty"), HasSubstr("aten::neg(Tensor self) -> Tensor")));
  EXPECT_TRUE(client->fetch_status(a).ok());
}

TEST_F(ErrorsTest, AnOpThatThisLibTorchLacksIsUnimplemented) {
  const auto a = client->floats({1});
  const auto result = TestSession::ref(client->next_id(), ScalarType::Float, {1});
  client->send([&](wire::RecordWriter& out) {
    out.define_op(500, "aten::neg", "of_tomorrow", "aten::neg.of_tomorrow(Tensor self) -> Tensor");
    out.begin_run(500, 0);
    out.out().u8(static_cast<uint8_t>(wire::Tag::kTensor));
    wire::write_tensor_ref(out.out(), a);
    out.end_run(TestSession::declare(result));
  });
  EXPECT_EQ(client->fetch_status(result).code(), StatusCode::kUnimplemented);
}

TEST_F(ErrorsTest, ASparseResultIsRefused) {
  const auto a = client->upload(at::ones({2, 2}));
  const auto answer = client->run_ask("aten::zeros", "",
                                      {c10::IValue(std::vector<int64_t>{2, 2}), c10::IValue(6),
                                       c10::IValue(static_cast<int64_t>(c10::kSparse)), c10::IValue(), c10::IValue()},
                                      client->next_id());
  EXPECT_EQ(answer.status.code(), StatusCode::kUnimplemented);
  EXPECT_THAT(answer.status.message(), HasSubstr("Sparse"));
  EXPECT_TRUE(client->fetch_status(a).ok());
}

TEST_F(ErrorsTest, TooMuchMemoryNamesWhatWasAskedForAndWhatIsHeld) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer's own memory is more than the limit that this test sets";
#endif
  // Some machines promise any amount of memory.
  rlimit unlimited{};
  getrlimit(RLIMIT_AS, &unlimited);
  const rlimit limited{rlim_t{64} << 30, unlimited.rlim_max};
  setrlimit(RLIMIT_AS, &limited);
  const auto a = client->floats({1, 2, 3, 4});
  const auto huge =
      client->call("aten::neg", "", {TestSession::ref(a.storage, ScalarType::Float, {int64_t{1} << 38}, {0})},
                   ScalarType::Float, {int64_t{1} << 38});
  const Status status = client->fetch_status(huge);
  EXPECT_EQ(status.code(), StatusCode::kResourceExhausted);
  setrlimit(RLIMIT_AS, &unlimited);
  EXPECT_THAT(status.message(), AllOf(HasSubstr(std::to_string(int64_t{1} << 40)), HasSubstr("session holds")));
  EXPECT_TRUE(client->fetch_status(a).ok());
}

TEST_F(ErrorsTest, TheLimitOfASessionIsCheckedBeforeMemoryIsTaken) {
  BackendOptions options;
  options.max_session_bytes = 100;
  start(options);
  const auto a = client->floats({1, 2, 3, 4});
  const auto result =
      client->call("aten::repeat", "", {a, c10::IValue(std::vector<int64_t>{10})}, ScalarType::Float, {40});
  const Status status = client->fetch_status(result);
  EXPECT_EQ(status.code(), StatusCode::kResourceExhausted);
  EXPECT_THAT(status.message(), HasSubstr("of at most 100 bytes"));
  const auto fresh = client->fresh(ScalarType::Float, {40});
  client->run("aten::fill_", "Scalar", {fresh, c10::IValue(1)});
  EXPECT_EQ(client->fetch_status(TestSession::known(fresh)).code(), StatusCode::kResourceExhausted);
  client->send([&](wire::RecordWriter& out) { out.release({result.storage, fresh.storage}); });
  EXPECT_TRUE(client->fetch_status(client->floats(std::vector<float>(21))).ok());
  EXPECT_FALSE(client->fetch_status(client->floats({1})).ok());
}

}  // namespace
}  // namespace remote::worker
