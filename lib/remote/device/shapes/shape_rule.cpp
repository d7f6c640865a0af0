#include <remote/device/shapes/shape_rule.h>

#include <string>
#include <string_view>
#include <unordered_map>

#include <remote/device/shapes/tables.h>

namespace remote::device {

c10::ArrayRef<shapes::RuleTable> shapes::all_rule_tables() {
  static const RuleTable tables[] = {attention_rules(),
                                     convolution_rules(),
                                     distance_rules(),
                                     elementwise_rules(),
                                     embedding_rules(),
                                     factories_rules(),
                                     fft_rules(),
                                     foreach_rules(),
                                     histogram_rules(),
                                     indexing_rules(),
                                     linear_algebra_rules(),
                                     losses_rules(),
                                     normalization_rules(),
                                     padding_and_resampling_rules(),
                                     pooling_rules(),
                                     random_rules(),
                                     recurrent_rules(),
                                     reductions_rules(),
                                     sorting_rules()};
  return tables;
}

namespace {

using RuleMap = std::unordered_map<std::string_view, ShapeRule>;

RuleMap build_rule_map() {
  RuleMap rules;
  for (shapes::RuleTable table : shapes::all_rule_tables()) {
    for (const shapes::NamedRule& entry : table) {
      const bool inserted = rules.emplace(entry.op, entry.rule).second;
      TORCH_INTERNAL_ASSERT(inserted, "two shape rules for aten::", entry.op);
    }
  }
  return rules;
}

/// Leaked, so that ops recorded while statics are destroyed still find their rule.
const RuleMap& rule_map() {
  static const auto* rules = new RuleMap(build_rule_map());
  return *rules;
}

}  // namespace

ShapeRule find_shape_rule(const c10::OperatorName& name) {
  constexpr std::string_view kNamespace = "aten::";
  if (name.name.compare(0, kNamespace.size(), kNamespace) != 0) return nullptr;
  std::string key = name.name.substr(kNamespace.size());
  if (!name.overload_name.empty()) key.append(".").append(name.overload_name);
  const auto found = rule_map().find(key);
  return found == rule_map().end() ? nullptr : found->second;
}

size_t shape_rule_count() {
  return rule_map().size();
}

}  // namespace remote::device
