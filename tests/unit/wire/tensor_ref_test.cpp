#include <gmock/gmock.h>

#include <remote/wire/limits.h>
#include <remote/wire/tensor_ref.h>

namespace remote::wire {
namespace {

TensorRef ref_round_trip(const TensorRef& ref) {
  ByteWriter out;
  write_tensor_ref(out, ref);
  const std::string bytes = out.take();
  ByteReader in(bytes);
  TensorRef back = read_tensor_ref(in);
  EXPECT_TRUE(in.ok() && in.done());
  return back;
}

void expect_equal(const TensorRef& left, const TensorRef& right) {
  EXPECT_EQ(left.storage, right.storage);
  EXPECT_EQ(left.dtype, right.dtype);
  EXPECT_EQ(left.conj, right.conj);
  EXPECT_EQ(left.neg, right.neg);
  EXPECT_EQ(left.fresh, right.fresh);
  EXPECT_EQ(left.fresh_bytes, right.fresh_bytes);
  EXPECT_EQ(left.offset, right.offset);
  EXPECT_EQ(left.sizes, right.sizes);
  EXPECT_EQ(left.strides, right.strides);
}

TEST(TensorRefTest, EveryFieldComesBack) {
  TensorRef ref;
  ref.storage = uint64_t{1} << 60;
  ref.dtype = c10::ScalarType::ComplexDouble;
  ref.conj = ref.neg = ref.fresh = true;
  ref.fresh_bytes = 4096;
  ref.offset = 17;
  ref.sizes = {2, 3, 1, 7};
  ref.strides = {0, 14, 5, 2};
  expect_equal(ref_round_trip(ref), ref);
}

TEST(TensorRefTest, StridesOfDenseTensorsAreNotSent) {
  TensorRef dense, permuted;
  dense.storage = permuted.storage = 1;
  dense.sizes = permuted.sizes = {2, 3};
  dense.strides = {3, 1};
  permuted.strides = {1, 2};
  ByteWriter a, b;
  write_tensor_ref(a, dense);
  write_tensor_ref(b, permuted);
  EXPECT_EQ(a.size() + 2, b.size());
  expect_equal(ref_round_trip(dense), dense);
  expect_equal(ref_round_trip(permuted), permuted);
}

TEST(TensorRefTest, EmptyAndScalarTensorsComeBack) {
  TensorRef scalar, empty;
  scalar.storage = empty.storage = 3;
  empty.sizes = {2, 0, 3};
  empty.strides = {3, 3, 1};
  expect_equal(ref_round_trip(scalar), scalar);
  expect_equal(ref_round_trip(empty), empty);
}

TEST(TensorRefTest, AnyCutFails) {
  TensorRef ref;
  ref.storage = 5;
  ref.offset = 300;
  ref.sizes = {2, 3};
  ref.strides = {1, 2};
  ByteWriter out;
  write_tensor_ref(out, ref);
  const std::string bytes = out.take();
  for (size_t size = 0; size < bytes.size(); ++size) {
    ByteReader in(std::string_view(bytes).substr(0, size));
    read_tensor_ref(in);
    EXPECT_FALSE(in.ok()) << size;
  }
}

TEST(TensorRefTest, OutputDeclarationsComeBack) {
  OutputDeclaration output;
  output.kind = OutputDeclaration::Kind::kTensor;
  output.storage = 9;
  output.dtype = c10::ScalarType::Long;
  output.sizes = {4, 5};
  output.strides = {1, 4};
  OutputDeclaration opaque;
  opaque.kind = OutputDeclaration::Kind::kOpaque;
  opaque.storage = 10;
  ByteWriter out;
  for (const auto& declaration : {output, opaque, OutputDeclaration()}) write_output_declaration(out, declaration);
  const std::string bytes = out.take();
  ByteReader in(bytes);
  const auto tensor = read_output_declaration(in);
  EXPECT_EQ(tensor.storage, 9u);
  EXPECT_EQ(tensor.dtype, c10::ScalarType::Long);
  EXPECT_EQ(tensor.sizes, output.sizes);
  EXPECT_EQ(tensor.strides, output.strides);
  const auto second = read_output_declaration(in);
  EXPECT_EQ(second.kind, OutputDeclaration::Kind::kOpaque);
  EXPECT_EQ(second.storage, 10u);
  EXPECT_EQ(read_output_declaration(in).kind, OutputDeclaration::Kind::kUndefined);
  EXPECT_TRUE(in.ok() && in.done());
}

TEST(TensorRefTest, ExtentsAreExactAndNeverOverflow) {
  uint64_t bytes = 0;
  const auto extent = [&](Dims sizes, Dims strides, int64_t offset, uint64_t itemsize) {
    return view_extent_bytes(sizes, strides, offset, itemsize, &bytes);
  };
  ASSERT_TRUE(extent({2, 3}, {3, 1}, 0, 4));
  EXPECT_EQ(bytes, 24u);
  ASSERT_TRUE(extent({2, 3}, {10, 2}, 5, 8));
  EXPECT_EQ(bytes, (5 + 10 + 4 + 1) * 8u);
  ASSERT_TRUE(extent({}, {}, 3, 2));
  EXPECT_EQ(bytes, 8u);
  ASSERT_TRUE(extent({0, 5}, {5, 1}, 100, 4));
  EXPECT_EQ(bytes, 0u);
  EXPECT_FALSE(extent({2}, {-1}, 1, 4));
  EXPECT_FALSE(extent({-2}, {1}, 0, 4));
  EXPECT_FALSE(extent({2}, {1}, -1, 4));
  EXPECT_FALSE(extent({2, 2}, {1}, 0, 4));
  EXPECT_FALSE(extent({4}, {INT64_MAX}, 0, 1));
  EXPECT_FALSE(extent({2}, {INT64_MAX}, INT64_MAX, 4));
  EXPECT_FALSE(extent({2}, {INT64_MAX}, 0, 16));
}

TEST(TensorRefTest, ElementsAreCountedUpToTheLimit) {
  EXPECT_EQ(view_elements(Dims{}), 1u);
  EXPECT_EQ(view_elements(Dims{2, 3}), 6u);
  EXPECT_EQ(view_elements(Dims{int64_t{1} << 45, int64_t{1} << 45, 0}), 0u);
  EXPECT_EQ(view_elements(Dims{static_cast<int64_t>(kMaxViewElements)}), kMaxViewElements);
  EXPECT_EQ(view_elements(Dims{static_cast<int64_t>(kMaxViewElements), 2}), std::nullopt);
  EXPECT_EQ(view_elements(Dims{int64_t{1} << 40, int64_t{1} << 40}), std::nullopt);
  EXPECT_EQ(view_elements(Dims{-1}), std::nullopt);
}

TEST(TensorRefTest, ContiguityOfSizesThatNobodyHasCheckedDoesNotOverflow) {
  EXPECT_FALSE(is_contiguous(Dims{1, INT64_MAX, INT64_MAX}, Dims{1, 1, 1}));
  EXPECT_FALSE(is_contiguous(Dims{INT64_MAX, INT64_MAX, INT64_MAX}, Dims{0, INT64_MAX, 1}));
}

}  // namespace
}  // namespace remote::wire
