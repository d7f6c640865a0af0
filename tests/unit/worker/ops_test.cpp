// Ops run, and their results end up where the client expects them.
#include "test_session.h"

namespace remote::worker {
namespace {

using c10::ScalarType;
using testing::HasSubstr;
using OpsTest = WorkerTest;

TEST_F(OpsTest, AFunctionalOpFillsItsDeclaredOutput) {
  const auto a = client->floats({1, 2, 3, 4}), b = client->floats({5, 6, 7, 8});
  const auto sum = client->call("aten::add", "Tensor", {a, b, c10::IValue(2)}, ScalarType::Float, {4});
  EXPECT_TRUE(same(client->read(sum), at::tensor({11.f, 14.f, 17.f, 20.f})));
  EXPECT_EQ(client->statistics().copied_outputs, 0u) << "the result could have been taken over";
}

TEST_F(OpsTest, AFreshOutArgumentGetsWhatTheOpMade) {
  const auto a = client->upload(at::tensor({1.f, 2.f, 3.f, 4.f}).view({2, 2}));
  const auto out = client->fresh(ScalarType::Float, {2, 2});
  client->run("aten::mm", "out", {a, a, out});
  EXPECT_TRUE(same(client->read(TestSession::known(out)), at::tensor({7.f, 10.f, 15.f, 22.f}).view({2, 2})));
  EXPECT_EQ(client->statistics().copied_outputs, 0u);
}

TEST_F(OpsTest, AFreshOutArgumentOfAnotherLayoutIsCopiedIntoIt) {
  const auto a = client->upload(at::tensor({1.f, 2.f, 3.f, 4.f}).view({2, 2}));
  auto out = client->fresh(ScalarType::Float, {2, 2});
  out.strides = {1, 2};
  client->run("aten::mm", "out", {a, a, out});
  EXPECT_TRUE(same(client->read(TestSession::known(out)), at::tensor({7.f, 10.f, 15.f, 22.f}).view({2, 2})));
  EXPECT_EQ(client->statistics().copied_outputs, 1u);
}

TEST_F(OpsTest, AReducedLossWithAFreshOutArgumentNeedsNoResize) {
  const auto a = client->floats({1, 2, 3, 4}), b = client->floats({1, 2, 3, 6});
  const auto out = client->fresh(ScalarType::Float, {});
  testing::internal::CaptureStderr();
  client->run("aten::mse_loss", "out", {a, b, c10::IValue(1), out});
  EXPECT_TRUE(same(client->read(TestSession::known(out)), at::scalar_tensor(1.f)));
  EXPECT_THAT(testing::internal::GetCapturedStderr(), testing::Not(HasSubstr("resized")));
}

TEST_F(OpsTest, AReducedLossIntoAnExistingOutArgumentKeepsItsLength) {
  const auto a = client->floats({1, 2, 3, 4}), b = client->floats({1, 2, 3, 6});
  const auto out = client->upload(at::scalar_tensor(0.f));
  client->run("aten::mse_loss", "out", {a, b, c10::IValue(1), out});
  EXPECT_TRUE(same(client->read(out), at::scalar_tensor(1.f)));
  EXPECT_EQ(client->statistics().storage_bytes, 36u);
}

TEST_F(OpsTest, AViewOfAFreshStorageIsWrittenInPlaceAndTheRestIsZero) {
  const auto a = client->floats({1, 2});
  auto out = client->fresh(ScalarType::Float, {2});
  out.fresh_bytes = 16;
  out.offset = 1;
  client->run("aten::neg", "out", {a, out});
  EXPECT_TRUE(
      same(client->read(TestSession::ref(out.storage, ScalarType::Float, {4})), at::tensor({0.f, -1.f, -2.f, 0.f})));
}

TEST_F(OpsTest, AnInPlaceOpChangesTheStorageThroughAView) {
  const auto a = client->floats({1, 2, 3, 4});
  const auto odd = TestSession::ref(a.storage, ScalarType::Float, {2}, {2}, 1);
  const auto even = TestSession::ref(a.storage, ScalarType::Float, {2}, {2}, 0);
  client->run("aten::add_", "Tensor", {odd, even, c10::IValue(10)});
  EXPECT_TRUE(same(client->read(a), at::tensor({1.f, 12.f, 3.f, 34.f})));
}

TEST_F(OpsTest, AResultThatAliasesAnInputIsCopied) {
  const auto a = client->floats({1, 2, 3, 4});
  const auto same_values = client->call("aten::positive", "", {a}, ScalarType::Float, {4});
  client->run("aten::zero_", "", {a});
  EXPECT_TRUE(same(client->read(same_values), at::tensor({1.f, 2.f, 3.f, 4.f})));
  EXPECT_EQ(client->statistics().copied_outputs, 1u);
}

TEST_F(OpsTest, AResultOfAnotherLayoutIsCopiedIntoTheDeclaredOne) {
  const at::Tensor image = at::arange(16, at::kFloat).view({1, 2, 2, 4}).contiguous(at::MemoryFormat::ChannelsLast);
  const auto a = client->upload(image);
  const auto kept = client->call("aten::relu", "", {a}, ScalarType::Float, {1, 2, 2, 4}, image.strides());
  const auto changed = client->call("aten::relu", "", {a}, ScalarType::Float, {1, 2, 2, 4});
  EXPECT_TRUE(same(client->read(kept), image));
  EXPECT_TRUE(same(client->read(changed), image));
  EXPECT_EQ(client->statistics().copied_outputs, 1u);
}

TEST_F(OpsTest, AnOutputOfAnotherSizeOrDtypeFailsAndSaysBoth) {
  const auto a = client->floats({1, 2, 3, 4});
  const auto short_one = client->call("aten::neg", "", {a}, ScalarType::Float, {3});
  EXPECT_THAT(client->fetch_status(short_one).message(), HasSubstr("Float[4]"));
  EXPECT_THAT(client->fetch_status(short_one).message(), HasSubstr("Float[3]"));
  const auto other_type = client->call("aten::neg", "", {a}, ScalarType::Double, {4});
  EXPECT_THAT(client->fetch_status(other_type).message(), HasSubstr("Double[4]"));
}

TEST_F(OpsTest, AnOutArgumentThatTheOpResizesFailsAndSaysBoth) {
  const auto a = client->floats({1, 2, 3, 4});
  const auto out = client->fresh(ScalarType::Float, {3});
  client->run("aten::neg", "out", {a, out});
  const Status status = client->fetch_status(TestSession::known(out));
  EXPECT_THAT(status.message(), HasSubstr("Float[4]"));
  EXPECT_THAT(status.message(), HasSubstr("Float[3]"));
}

TEST_F(OpsTest, AnotherNumberOfOutputsFails) {
  const auto a = client->floats({1, 2});
  const auto one = TestSession::ref(client->next_id(), ScalarType::Float, {2});
  const auto two = TestSession::ref(client->next_id(), ScalarType::Float, {2});
  client->run_declared("aten::neg", "", {a}, {TestSession::declare(one), TestSession::declare(two)});
  EXPECT_EQ(client->fetch_status(one).code(), StatusCode::kInternal);
  EXPECT_EQ(client->fetch_status(two).code(), StatusCode::kInternal);
}

TEST_F(OpsTest, ListsAndSeveralReturnsAreFlattenedInOrder) {
  const auto a = client->floats({1, 2}), b = client->floats({3});
  const auto x = TestSession::ref(client->next_id(), ScalarType::Float, {2});
  const auto y = TestSession::ref(client->next_id(), ScalarType::Float, {1});
  client->run_declared("aten::_foreach_neg", "", {std::vector<wire::TensorRef>{a, b}},
                       {TestSession::declare(x), TestSession::declare(y)});
  EXPECT_TRUE(same(client->read(x), at::tensor({-1.f, -2.f})));
  EXPECT_TRUE(same(client->read(y), at::tensor({-3.f})));
}

TEST_F(OpsTest, AnOutputThatNobodyWantsIsDropped) {
  const auto a = client->floats({3, 1, 2});
  const auto values = TestSession::ref(client->next_id(), ScalarType::Float, {3});
  client->run_declared("aten::sort", "", {a, c10::IValue(0), c10::IValue(false)},
                       {TestSession::declare(values), wire::OutputDeclaration()});
  EXPECT_TRUE(same(client->read(values), at::tensor({1.f, 2.f, 3.f})));
  EXPECT_EQ(client->statistics().storages, 2u);
}

TEST_F(OpsTest, AnOpaqueOutputCanBePassedOnAndNotRead) {
  const auto a = client->floats({3, 1, 2});
  const auto values = TestSession::ref(client->next_id(), ScalarType::Float, {3});
  const uint64_t order = client->next_id();
  client->run_declared("aten::sort", "", {a, c10::IValue(0), c10::IValue(false)},
                       {TestSession::declare(values), TestSession::declare_opaque(order)});
  const auto placeholder = TestSession::ref(order, ScalarType::Long, {0});
  const auto again =
      client->call("aten::gather", "", {a, c10::IValue(0), placeholder, c10::IValue(false)}, ScalarType::Float, {3});
  EXPECT_TRUE(same(client->read(again), at::tensor({1.f, 2.f, 3.f})));
  EXPECT_THAT(client->fetch_status(placeholder).message(), HasSubstr("opaque"));
}

TEST_F(OpsTest, AskedOutputsAreDescribed) {
  const auto a = client->floats({0, 5, 0, 7});
  const uint64_t first = client->next_id();
  const auto answer = client->run_ask("aten::nonzero", "", {a}, first);
  ASSERT_TRUE(answer.status.ok()) << answer.status;
  ASSERT_EQ(answer.outputs.size(), 1u);
  EXPECT_EQ(answer.outputs[0].storage, first);
  EXPECT_EQ(answer.outputs[0].dtype, ScalarType::Long);
  EXPECT_THAT(answer.outputs[0].sizes, testing::ElementsAre(2, 1));
  const auto read =
      client->read(TestSession::ref(first, ScalarType::Long, answer.outputs[0].sizes, answer.outputs[0].strides));
  EXPECT_TRUE(same(read, at::tensor({int64_t{1}, int64_t{3}}).view({2, 1})));
}

TEST_F(OpsTest, AnAskedOutputThatAliasesAnInputIsACopy) {
  const auto a = client->floats({1, 2});
  const uint64_t first = client->next_id();
  ASSERT_TRUE(client->run_ask("aten::positive", "", {a}, first).status.ok());
  client->run("aten::zero_", "", {a});
  EXPECT_TRUE(same(client->read(TestSession::ref(first, ScalarType::Float, {2})), at::tensor({1.f, 2.f})));
}

TEST_F(OpsTest, AnOpThatReturnsNoTensorCanNotBeAskedFor) {
  const auto a = client->floats({1, 2});
  EXPECT_EQ(client->run_ask("aten::equal", "", {a, a}, client->next_id()).status.code(), StatusCode::kInvalidArgument);
}

TEST_F(OpsTest, ANumberTravelsByValueAndPromotesAsAWrappedNumber) {
  const auto a = client->upload(at::tensor({int64_t{1}, int64_t{2}}));
  at::Tensor half = at::scalar_tensor(0.5, at::kDouble);
  half.unsafeGetTensorImpl()->set_wrapped_number(true);
  const auto sum = client->call("aten::add", "Tensor", {a, c10::IValue(half), c10::IValue(1)}, ScalarType::Float, {2});
  EXPECT_TRUE(same(client->read(sum), at::tensor({1.5f, 2.5f})));
}

TEST_F(OpsTest, ConjugatedAndNegatedViewsAreReadAsTheyLook) {
  const at::Tensor values = at::view_as_complex(at::tensor({1.f, 2.f, 3.f, -4.f}).view({2, 2}));
  const auto a = client->upload(values);
  auto conjugated = a;
  conjugated.conj = true;
  EXPECT_TRUE(same(client->read(conjugated), values.conj()));
  const auto sum = client->call("aten::add", "Tensor", {a, conjugated, c10::IValue(1)}, ScalarType::ComplexFloat, {2});
  EXPECT_TRUE(same(client->read(sum), values + values.conj()));
  auto negated = client->floats({1, -2});
  negated.neg = true;
  EXPECT_TRUE(same(client->read(negated), at::tensor({-1.f, 2.f})));
}

TEST_F(OpsTest, AConjugatedResultOfAnOutArgumentIsWrittenOut) {
  // The kernel leaves its result conjugated and says so in a bit of the tensor that it was given.
  const auto options = at::TensorOptions(at::kComplexFloat);
  const at::Tensor matrix = at::eye(2, options) * 3 + at::ones({2, 2}, options) * c10::complex<float>(0, 1);
  const at::Tensor right = at::ones({2, 2}, options) * c10::complex<float>(1, 2);
  const auto [factors, pivots] = at::linalg_lu_factor(matrix);
  const at::Tensor expected = at::linalg_lu_solve(factors, pivots, right, /*left=*/false, /*adjoint=*/true);
  const auto lu = client->upload(factors), order = client->upload(pivots), b = client->upload(right);
  const auto out = client->fresh(ScalarType::ComplexFloat, {2, 2});
  client->run("aten::linalg_lu_solve", "out", {lu, order, b, c10::IValue(false), c10::IValue(true), out});
  EXPECT_TRUE(same(client->read(TestSession::known(out)), expected));
  const auto existing = client->upload(at::zeros({2, 2}, options));
  client->run("aten::linalg_lu_solve", "out", {lu, order, b, c10::IValue(false), c10::IValue(true), existing});
  EXPECT_TRUE(same(client->read(existing), expected));
}

TEST_F(OpsTest, CopiesConvertBetweenDtypesAndLayouts) {
  const at::Tensor source = at::arange(6, at::kLong).view({2, 3}).t();
  const auto from = client->upload(source);
  for (const auto dtype : {ScalarType::Float, ScalarType::Half, ScalarType::BFloat16, ScalarType::Double,
                           ScalarType::Int, ScalarType::Byte, ScalarType::ComplexFloat}) {
    const auto to = client->fresh(dtype, {3, 2});
    client->run("aten::copy_", "", {to, from, c10::IValue(false)});
    EXPECT_TRUE(same(client->read(TestSession::known(to)), source.to(dtype))) << dtype;
  }
  const auto row = client->floats({1, 2});
  const auto broadcast = client->fresh(ScalarType::Float, {3, 2});
  client->run("aten::copy_", "", {broadcast, row, c10::IValue(false)});
  EXPECT_TRUE(same(client->read(TestSession::known(broadcast)), at::tensor({1.f, 2.f}).expand({3, 2})));
}

TEST_F(OpsTest, CopiesHonourConjugatedSourcesAndTargets) {
  const at::Tensor values = at::view_as_complex(at::tensor({1.f, 2.f, 3.f, -4.f}).view({2, 2}));
  auto from = client->upload(values);
  from.conj = true;
  auto to = client->upload(at::zeros({2}, at::kComplexFloat));
  client->run("aten::copy_", "", {to, from, c10::IValue(false)});
  EXPECT_TRUE(same(client->read(to), values.conj()));
  to.conj = true;
  client->run("aten::copy_", "", {to, from, c10::IValue(false)});
  EXPECT_TRUE(same(client->read(to), values.conj()));
  to.conj = false;
  EXPECT_TRUE(same(client->read(to), values));
}

TEST_F(OpsTest, AFusedOptimizerStepIsOneOp) {
  const at::Tensor parameter = at::ones({3}), gradient = at::full({3}, 0.5);
  const auto p = client->upload(parameter), g = client->upload(gradient);
  const auto momentum = client->upload(at::zeros({3}));
  using List = std::vector<wire::TensorRef>;
  client->run("aten::_fused_sgd_", "",
              {List{p}, List{g}, List{momentum}, c10::IValue(0.0), c10::IValue(0.9), c10::IValue(0.1), c10::IValue(0.0),
               c10::IValue(false), c10::IValue(false), c10::IValue(true), c10::IValue(), c10::IValue()});
  EXPECT_TRUE(same(client->read(p), parameter - gradient * 0.1));
}

TEST_F(OpsTest, AScalarFillReachesEveryDtype) {
  for (const auto dtype :
       {ScalarType::Float, ScalarType::Bool, ScalarType::Long, ScalarType::ComplexDouble, ScalarType::BFloat16}) {
    const auto target = client->fresh(dtype, {2, 2});
    client->run("aten::fill_", "Scalar", {target, c10::IValue(1)});
    EXPECT_TRUE(same(client->read(TestSession::known(target)), at::ones({2, 2}, dtype))) << dtype;
  }
}

TEST_F(OpsTest, AResizeKeepsWhatFits) {
  const auto a = client->floats({1, 2});
  client->send([&](wire::RecordWriter& out) { out.resize(a.storage, std::nullopt, 16); });
  EXPECT_TRUE(
      same(client->read(TestSession::ref(a.storage, ScalarType::Float, {4})), at::tensor({1.f, 2.f, 0.f, 0.f})));
  client->send([&](wire::RecordWriter& out) { out.resize(a.storage, std::nullopt, 4); });
  EXPECT_TRUE(same(client->read(TestSession::ref(a.storage, ScalarType::Float, {1})), at::tensor({1.f})));
  EXPECT_EQ(client->statistics().storage_bytes, 4u);
}

TEST_F(OpsTest, AFailedResizeIsTheErrorOfWhatUsesTheStorageLater) {
  BackendOptions options;
  options.max_session_bytes = 1 << 20;
  start(options);
  const auto a = client->floats({1, 2});
  const auto b = TestSession::ref(client->next_id(), ScalarType::Float, {2});
  client->send([&](wire::RecordWriter& out) {
    out.resize(a.storage, std::nullopt, 2 << 20);
    out.resize(b.storage, 8, 2 << 20);
  });
  for (const auto& tensor : {a, b}) EXPECT_THAT(client->fetch_status(tensor).message(), HasSubstr("a resize: "));
  client->send([](wire::RecordWriter& out) { out.clear_errors(); });
  EXPECT_TRUE(same(client->read(a), at::tensor({1.f, 2.f}))) << "it keeps what it held";
  EXPECT_THAT(client->fetch_status(b).message(), HasSubstr("a resize: "));
}

TEST_F(OpsTest, NoAutogradGraphIsBuiltOnTheWorker) {
  const auto a = client->floats({1, 2});
  at::Tensor number = at::scalar_tensor(2.f);
  number.set_requires_grad(true);
  const auto product = client->call("aten::mul", "Tensor", {a, c10::IValue(number)}, ScalarType::Float, {2});
  EXPECT_TRUE(same(client->read(product), at::tensor({2.f, 4.f})));
}

}  // namespace
}  // namespace remote::worker
