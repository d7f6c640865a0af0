#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <gmock/gmock.h>

#include <remote/wire/reply.h>
#include <remote/wire/value.h>

namespace remote::wire {
namespace {

/// Stands for both ends: a double tensor is taken for one that lives on the worker, and described by its first element.
class Ends final : public ArgumentDescriber, public ArgumentResolver {
 public:
  bool describe(const at::Tensor& tensor, TensorRef& ref) override {
    if (tensor.dim() == 0 && tensor.scalar_type() != at::kDouble) return false;
    ref.storage = static_cast<uint64_t>(tensor.flatten()[0].item<double>());
    return tensor.scalar_type() == at::kDouble;
  }
  StatusOr<uint64_t> describe(const at::Generator& generator) override { return generator.current_seed(); }
  at::Tensor resolve(const TensorRef& ref, size_t argument) override {
    arguments.push_back(argument);
    return at::scalar_tensor(static_cast<double>(ref.storage), at::kDouble);
  }
  at::Generator resolve_generator(uint64_t id) override { return at::make_generator<at::CPUGeneratorImpl>(id); }
  c10::Device device() const override { return c10::Device(c10::kMeta); }

  std::vector<size_t> arguments;
};

c10::IValue value_round_trip(const c10::IValue& value) {
  Ends ends;
  ByteWriter out;
  const Status status = write_value(out, value, ends);
  EXPECT_TRUE(status.ok()) << status;
  const std::string bytes = out.take();
  ByteReader in(bytes);
  c10::IValue back = read_value(in, ends, 3);
  EXPECT_TRUE(in.ok() && in.done());
  for (size_t size = 0; size < bytes.size(); ++size) {
    ByteReader cut(std::string_view(bytes).substr(0, size));
    read_value(cut, ends, 3);
    EXPECT_FALSE(cut.ok()) << "cut at " << size << " of " << bytes.size();
  }
  return back;
}

TEST(ValueTest, NumbersTextsAndListsComeBack) {
  EXPECT_TRUE(value_round_trip({}).isNone());
  for (const int64_t number : {int64_t{0}, int64_t{-5}, INT64_MAX, INT64_MIN})
    EXPECT_EQ(value_round_trip(number).toInt(), number);
  EXPECT_EQ(value_round_trip(2.5).toDouble(), 2.5);
  EXPECT_TRUE(value_round_trip(true).isBool());
  EXPECT_EQ(value_round_trip(c10::complex<double>(1, -2)).toComplexDouble(), c10::complex<double>(1, -2));
  EXPECT_EQ(value_round_trip("text").toStringRef(), "text");
  EXPECT_EQ(value_round_trip(std::vector<int64_t>{1, -2, 3}).toIntVector(), (std::vector<int64_t>{1, -2, 3}));
  EXPECT_EQ(value_round_trip(std::vector<double>{1.5, -2}).toDoubleVector(), (std::vector<double>{1.5, -2}));
  EXPECT_EQ(value_round_trip(c10::List<bool>({true, false})).toBoolList().vec(), (std::vector<bool>{true, false}));
  EXPECT_TRUE(value_round_trip(std::vector<int64_t>{}).isIntList());
}

TEST(ValueTest, AListOfMixedNumbersComesBack) {
  c10::List<at::Scalar> scalars;
  scalars.push_back(1);
  scalars.push_back(2.5);
  const auto back = value_round_trip(c10::IValue(scalars));
  ASSERT_EQ(back.toListRef().size(), 2u);
  EXPECT_EQ(back.toListRef()[0].toInt(), 1);
  EXPECT_EQ(back.toListRef()[1].toDouble(), 2.5);
}

TEST(ValueTest, DevicesAreThoseOfTheWorker) {
  EXPECT_EQ(value_round_trip(c10::Device(c10::kPrivateUse1, 0)).toDevice(), c10::Device(c10::kMeta));
  EXPECT_EQ(value_round_trip(c10::Device(c10::kCPU)).toDevice(), c10::Device(c10::kCPU));
}

TEST(ValueTest, GeneratorsAreIdsAndAnUndefinedOneIsNone) {
  EXPECT_EQ(value_round_trip(at::make_generator<at::CPUGeneratorImpl>(42)).toGenerator().current_seed(), 42u);
  EXPECT_TRUE(value_round_trip(c10::IValue(at::Generator())).isNone());
}

TEST(ValueTest, ATensorOfTheWorkerIsResolvedWithItsArgument) {
  Ends ends;
  ByteWriter out;
  ASSERT_TRUE(write_value(out, at::scalar_tensor(77.0, at::kDouble), ends).ok());
  const std::string bytes = out.take();
  ByteReader in(bytes);
  EXPECT_EQ(read_value(in, ends, 5).toTensor().item<double>(), 77);
  EXPECT_THAT(ends.arguments, testing::ElementsAre(5));
}

TEST(ValueTest, ScalarTensorsTravelByValue) {
  for (const auto dtype : {at::kFloat, at::kLong, at::kBool, at::kHalf, at::kByte, at::kComplexDouble}) {
    const auto back = value_round_trip(at::scalar_tensor(1, at::TensorOptions(dtype))).toTensor();
    EXPECT_EQ(back.scalar_type(), dtype);
    EXPECT_TRUE(at::equal(back, at::scalar_tensor(1, at::TensorOptions(dtype))));
    EXPECT_FALSE(back.unsafeGetTensorImpl()->is_wrapped_number());
  }
  at::Tensor wrapped = at::scalar_tensor(3, at::kLong);
  wrapped.unsafeGetTensorImpl()->set_wrapped_number(true);
  EXPECT_TRUE(value_round_trip(wrapped).toTensor().unsafeGetTensorImpl()->is_wrapped_number());
}

TEST(ValueTest, ListsOfTensorsKeepTheirHoles) {
  const at::Tensor a = at::scalar_tensor(1.0, at::kDouble), b = at::scalar_tensor(2.0, at::kDouble);
  EXPECT_EQ(value_round_trip(std::vector<at::Tensor>{a, at::Tensor(), b}).toTensorVector().size(), 3u);
  c10::List<std::optional<at::Tensor>> optional;
  optional.push_back(a);
  optional.push_back(std::nullopt);
  const auto back = value_round_trip(c10::IValue(optional));
  ASSERT_TRUE(back.isOptionalTensorList());
  EXPECT_EQ(back.toListRef()[0].toTensor().item<double>(), 1);
  EXPECT_TRUE(back.toListRef()[1].isNone());
}

TEST(ValueTest, ACpuTensorWithDimensionsIsRefusedWithARemedy) {
  Ends ends;
  ByteWriter out;
  const Status status = write_value(out, at::ones({2, 3}, at::kFloat), ends);
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(status.message(), testing::HasSubstr("[2, 3]"));
  EXPECT_THAT(status.message(), testing::HasSubstr(".to(\"remote\")"));
}

TEST(ValueTest, AListOfNumbersHoldsNoLists) {
  Ends ends;
  std::string nested;
  for (int i = 0; i < 100000; ++i) nested += {static_cast<char>(Tag::kScalarList), 1};
  ByteReader in(nested);
  read_value(in, ends, 0);
  EXPECT_FALSE(in.ok());
}

TEST(ValueTest, ABoolIsZeroOrOneWhateverCame) {
  Ends ends;
  std::string bytes = {static_cast<char>(Tag::kScalarTensor), static_cast<char>(at::kBool), 0};
  bytes += std::string(16, '\x07');
  ByteReader in(bytes);
  const at::Tensor value = read_value(in, ends, 0).toTensor();
  EXPECT_EQ(*static_cast<const uint8_t*>(value.const_data_ptr()), 1);
}

TEST(StatisticsTest, CountersComeBackAndACutIsNoticed) {
  SessionStatistics statistics{1, 2, 3, 4, 5, uint64_t{1} << 40};
  const std::string bytes = encode(statistics);
  const auto back = decode_session_statistics(bytes + "more, from a later worker");
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(back.value().ops, 1u);
  EXPECT_EQ(back.value().skipped_ops, 2u);
  EXPECT_EQ(back.value().failed_ops, 3u);
  EXPECT_EQ(back.value().copied_outputs, 4u);
  EXPECT_EQ(back.value().storages, 5u);
  EXPECT_EQ(back.value().storage_bytes, uint64_t{1} << 40);
  EXPECT_FALSE(decode_session_statistics(std::string_view(bytes).substr(0, 5)).ok());
}

}  // namespace
}  // namespace remote::wire
