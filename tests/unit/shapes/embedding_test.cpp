#include "tests/unit/shapes/shape_check.h"

namespace remote::device {
namespace {

TEST(EmbeddingRules, RowsInTheOrderOfTheIndices) {
  for (const auto& weight : layouts({10, 4})) {
    for (const Ints& shape : {Ints{}, Ints{3}, Ints{0}, Ints{3, 5}, Ints{2, 3, 5}}) {
      for (const auto& indices : layouts(shape, at::kLong)) check("embedding", {weight, indices});
    }
  }
  check("embedding", {filled({10, 4}, at::kBFloat16), filled({3}, at::kInt)});
}

TEST(EmbeddingRules, DenseGradientHasTheTablesShape) {
  for (const auto& grad : layouts({3, 5, 4})) {
    check("embedding_dense_backward", {grad, filled({3, 5}, at::kLong), 10, -1, false});
  }
  check("embedding_dense_backward", {filled({4}), filled({}, at::kLong), 10, 2, true});
}

TEST(EmbeddingBagRules, OutputsDependOnModeAndKernel) {
  const at::Tensor indices = filled({8}, at::kLong), offsets = at::tensor({0, 3, 5}, at::kLong);
  for (auto dtype : {at::kFloat, at::kDouble, at::kBFloat16}) {
    for (const auto& weight : layouts({10, 4}, dtype)) {
      for (int64_t mode : {0, 1, 2}) {
        for (bool include_last : {false, true}) {
          for (int64_t padding : {-1, 1}) {
            for (const char* op : {"_embedding_bag", "_embedding_bag_forward_only"}) {
              check(op, {weight, indices, offsets, false, mode, false, {}, include_last, padding});
            }
            const auto [out, offset2bag, bag_size, maximum] =
                at::_embedding_bag(weight, indices, offsets, false, mode, false, {}, include_last, padding);
            check("_embedding_bag_backward", {filled(out.sizes(), dtype),
                                              indices,
                                              offsets,
                                              offset2bag,
                                              bag_size,
                                              maximum,
                                              10,
                                              false,
                                              mode,
                                              false,
                                              {},
                                              padding});
            if (mode != 0) continue;
            check("_embedding_bag_per_sample_weights_backward",
                  {filled(out.sizes(), dtype), weight, indices, offsets, offset2bag, mode, padding});
          }
        }
      }
      const at::Tensor sample_weights = filled({8}, dtype), strided = filled({16}, dtype).slice(0, 0, std::nullopt, 2);
      check("_embedding_bag", {weight, indices, offsets, false, 0, false, sample_weights, false, -1});
      check("_embedding_bag", {weight, indices, offsets, false, 0, false, strided, false, -1});
    }
  }
}

TEST(EmbeddingBagRules, IndicesAndOffsetsPromote) {
  for (auto index : {at::kInt, at::kLong}) {
    for (auto offset : {at::kInt, at::kLong}) {
      for (int64_t mode : {0, 1, 2}) {
        check("_embedding_bag", {filled({10, 4}), filled({8}, index), at::tensor({0, 3, 5}, offset), false, mode});
      }
    }
  }
}

TEST(EmbeddingBagRules, DenseBackwardHasTheTablesShape) {
  const at::Tensor weight = filled({10, 4}), indices = filled({8}, at::kLong),
                   offsets = at::tensor({0, 3, 5}, at::kLong);
  for (int64_t mode : {1, 2}) {
    const auto [out, offset2bag, bag_size, maximum] = at::_embedding_bag(weight, indices, offsets, false, mode);
    check("_embedding_bag_dense_backward",
          {filled(out.sizes()), indices, offset2bag, bag_size, maximum, 10, false, mode, {}});
  }
}

}  // namespace
}  // namespace remote::device
