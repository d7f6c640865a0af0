#pragma once
#include <c10/util/ArrayRef.h>

#include <string_view>

#include <remote/device/shapes/shape_rule.h>

namespace remote::device::shapes {

/// `op` is the name within the namespace aten, with its overload: "relu", "std.correction".
struct NamedRule {
  std::string_view op;
  ShapeRule rule;
};
using RuleTable = c10::ArrayRef<NamedRule>;

// One table for each family of ops, in the file of that name. Static data, valid for the life of the process.
RuleTable attention_rules();
RuleTable convolution_rules();
RuleTable distance_rules();
RuleTable elementwise_rules();
RuleTable embedding_rules();
RuleTable factories_rules();
RuleTable fft_rules();
RuleTable foreach_rules();
RuleTable histogram_rules();
RuleTable indexing_rules();
RuleTable linear_algebra_rules();
RuleTable losses_rules();
RuleTable normalization_rules();
RuleTable padding_and_resampling_rules();
RuleTable pooling_rules();
RuleTable random_rules();
RuleTable recurrent_rules();
RuleTable reductions_rules();
RuleTable sorting_rules();

/// All of them.
c10::ArrayRef<RuleTable> all_rule_tables();

}  // namespace remote::device::shapes
