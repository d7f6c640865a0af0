// The session on a real worker in this process: what the fakes of the other tests stand for.
#include <ATen/core/dispatch/Dispatcher.h>
#include <gmock/gmock.h>

#include <remote/wire/tensor_ref.h>
#include <remote/wire/value.h>

#include "fake_connection.h"

namespace remote::client {
namespace {

using testing::HasSubstr;

class EmbeddedSessionTest : public testing::Test {
 protected:
  void SetUp() override {
    auto connected = Session::connect("embedded:cpu");
    ASSERT_TRUE(connected.ok()) << connected.status();
    session_ = std::move(connected).value();
  }

  static wire::TensorRef floats(uint64_t storage, wire::Dims sizes) {
    wire::TensorRef ref;
    ref.storage = storage;
    ref.sizes = sizes;
    ref.strides.resize(sizes.size());
    int64_t stride = 1;
    for (size_t i = sizes.size(); i-- > 0; stride *= sizes[i]) ref.strides[i] = stride;
    return ref;
  }

  uint64_t upload(std::vector<float> values) {
    const uint64_t id = next_storage_id();
    EXPECT_TRUE(session_->upload(id, length(values.size() * 4), 0, values.data(), values.size() * 4).ok());
    return id;
  }

  /// Records self.mm(mat2) into a new storage of that size.
  StatusOr<uint64_t> mm(const wire::TensorRef& self, const wire::TensorRef& mat2, wire::Dims sizes) {
    static const auto op = c10::Dispatcher::singleton().findSchemaOrThrow("aten::mm", "");
    const wire::TensorRef result = floats(next_storage_id(), sizes);
    const auto recorded = session_->record([&](wire::RecordWriter& out) {
      out.begin_run(session_->op_number(&op.schema(), op), 0);
      for (const auto* argument : {&self, &mat2}) {
        out.out().u8(static_cast<uint8_t>(wire::Tag::kTensor));
        wire::write_tensor_ref(out.out(), *argument);
      }
      wire::OutputDeclaration output;
      output.kind = wire::OutputDeclaration::Kind::kTensor;
      output.storage = result.storage;
      output.sizes = result.sizes;
      output.strides = result.strides;
      out.end_run(output);
      return Status();
    });
    if (!recorded.ok()) return recorded.status();
    return result.storage;
  }

  StatusOr<std::vector<float>> read(const wire::TensorRef& ref) {
    auto pending = session_->fetch(ref);
    const auto bytes = pending->wait();
    if (!bytes.ok()) return bytes.status();
    const auto* begin = reinterpret_cast<const float*>(bytes.value().data());
    return std::vector<float>(begin, begin + bytes.value().size() / 4);
  }

  std::shared_ptr<Session> session_;
};

TEST_F(EmbeddedSessionTest, AnOpRunsAndItsValueComesBack) {
  const uint64_t a = upload({1, 2, 3, 4}), b = upload({5, 6, 7, 8});
  const auto c = mm(floats(a, {2, 2}), floats(b, {2, 2}), {2, 2});
  ASSERT_TRUE(c.ok()) << c.status();
  const auto values = read(floats(c.value(), {2, 2}));
  ASSERT_TRUE(values.ok()) << values.status();
  EXPECT_THAT(values.value(), testing::ElementsAre(19, 22, 43, 50));
  EXPECT_EQ(session_->counters().ops, 1u);
}

TEST_F(EmbeddedSessionTest, AnErrorOfTheWorkerIsReportedOnceAndPoisonsOnlyWhatDependsOnIt) {
  const uint64_t a = upload({1, 2, 3, 4}), b = upload({5, 6, 7, 8});
  const auto bad = mm(floats(a, {2, 2}), floats(b, {4, 1}), {2, 1});
  ASSERT_TRUE(bad.ok());
  const auto worse = mm(floats(a, {2, 2}), floats(bad.value(), {2, 1}), {2, 1});
  // The next record reports it where its notice has come before that.
  const Status told = worse.ok() ? session_->synchronize() : worse.status();
  EXPECT_THAT(told.message(), HasSubstr("mm"));
  EXPECT_TRUE(session_->synchronize().ok());
  EXPECT_TRUE(session_->take_error().ok());
  EXPECT_THAT(read(floats(a, {2, 2})).value(), testing::ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(read(floats(bad.value(), {2, 1})).status().message(), HasSubstr("mm"));
  if (worse.ok()) {
    EXPECT_THAT(read(floats(worse.value(), {2, 1})).status().message(), HasSubstr("mm"));
  }
  EXPECT_TRUE(session_->synchronize().ok()) << "the error was told again";
}

TEST_F(EmbeddedSessionTest, LargeValuesGoBothWaysWhileTheSourceChanges) {
  std::vector<float> values(10 << 20);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
  const uint64_t id = next_storage_id();
  ASSERT_TRUE(session_->upload(id, length(values.size() * 4), 0, values.data(), values.size() * 4).ok());
  std::fill(values.begin(), values.end(), -1.0f);
  const auto back = read(floats(id, {static_cast<int64_t>(values.size())}));
  ASSERT_TRUE(back.ok()) << back.status();
  for (size_t i = 0; i < values.size(); ++i) ASSERT_EQ(back.value()[i], static_cast<float>(i));
}

TEST_F(EmbeddedSessionTest, AHundredThousandRecordsStayWithinTheCredit) {
  const uint64_t a = upload({1, 2, 3, 4});
  for (int i = 0; i < 100000; ++i) {
    ASSERT_TRUE(
        session_->record([&](wire::RecordWriter& out) { return out.name_storage(a, "weight"), Status(); }).ok());
  }
  ASSERT_TRUE(session_->synchronize().ok());
  const auto counters = session_->counters();
  EXPECT_GE(counters.records, 100002u);
  EXPECT_LT(counters.messages, 20000u) << "records were sent one by one";
}

TEST_F(EmbeddedSessionTest, AReleasedStorageIsGone) {
  const uint64_t id = upload({1});
  EXPECT_TRUE(read(floats(id, {1})).ok());
  session_->release(id);
  EXPECT_FALSE(read(floats(id, {1})).ok());
}

TEST_F(EmbeddedSessionTest, ClosingWithWorkInFlightDoesNotHang) {
  std::vector<float> values(1 << 20);
  for (int i = 0; i < 4; ++i) {
    session_->fetch(floats(upload(values), {static_cast<int64_t>(values.size())}));
  }
  session_->close();
  EXPECT_FALSE(session_->alive());
}

}  // namespace
}  // namespace remote::client
