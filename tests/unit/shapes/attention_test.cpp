#include "tests/unit/shapes/shape_check.h"

namespace remote::device {
namespace {

std::vector<at::Tensor> queries(Ints sizes, at::ScalarType dtype = at::kFloat) {
  const Ints inside{sizes[0], sizes[2], sizes[1], sizes[3]};
  const Ints packed{sizes[0], sizes[2], sizes[1], 3 * sizes[3]};
  return {filled(sizes, dtype), filled(inside, dtype).transpose(1, 2),
          filled(packed, dtype).transpose(1, 2).narrow(-1, sizes[3], sizes[3])};
}

TEST(AttentionRules, FlashAttentionBothWays) {
  const std::vector<std::pair<Ints, Ints>> shapes = {{{2, 4, 5, 8}, {2, 4, 5, 8}},
                                                     {{2, 4, 5, 8}, {2, 4, 7, 8}},
                                                     {{1, 1, 1, 16}, {1, 1, 3, 16}},
                                                     {{1, 2, 3, 8}, {1, 2, 3, 8}},
                                                     {{2, 1, 64, 32}, {2, 1, 64, 32}}};
  for (const auto& [query_sizes, key_sizes] : shapes) {
    for (auto dtype : {at::kFloat, at::kDouble, at::kBFloat16}) {
      for (const auto& query : queries(query_sizes, dtype)) {
        for (const auto& key : queries(key_sizes, dtype)) {
          for (bool causal : {false, true}) {
            check("_scaled_dot_product_flash_attention_for_cpu", {query, key, key, 0.0, causal});
            const auto [out, logsumexp] = at::_scaled_dot_product_flash_attention_for_cpu(query, key, key, 0.0, causal);
            for (const auto& grad : queries(query_sizes, dtype)) {
              check("_scaled_dot_product_flash_attention_for_cpu_backward",
                    {grad, query, key, key, out, logsumexp, 0.0, causal});
            }
          }
        }
      }
    }
  }
}

TEST(AttentionRules, AMaskChangesNoShape) {
  const at::Tensor q = filled({2, 4, 5, 8}), mask = at::zeros({5, 5});
  check("_scaled_dot_product_flash_attention_for_cpu", {q, q, q, 0.0, false, mask, 0.5});
}

}  // namespace
}  // namespace remote::device
