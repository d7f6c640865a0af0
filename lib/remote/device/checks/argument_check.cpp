#include <remote/device/checks/argument_check.h>

#include <unordered_map>

#include <remote/device/checks/tables.h>

namespace remote::device {
namespace {

using CheckMap = std::unordered_map<std::string_view, ArgumentCheck>;

CheckMap build_check_map() {
  CheckMap map;
  for (const checks::CheckTable table :
       {checks::elementwise_checks(), checks::images_checks(), checks::indexing_checks(),
        checks::linear_algebra_checks(), checks::losses_checks(), checks::random_checks(),
        checks::reductions_checks()}) {
    for (const checks::NamedCheck& entry : table) {
      const bool inserted = map.emplace(entry.op, entry.check).second;
      TORCH_INTERNAL_ASSERT(inserted, "two checks for aten::", entry.op);
    }
  }
  return map;
}

}  // namespace

ArgumentCheck find_argument_check(std::string_view op) {
  constexpr std::string_view kNamespace = "aten::";
  static const auto* map = new CheckMap(build_check_map());
  if (!op.starts_with(kNamespace)) return nullptr;
  op.remove_prefix(kNamespace.size());
  if (op.starts_with("_foreach_")) return &checks::foreach;
  const auto found = map->find(op);
  return found == map->end() ? nullptr : found->second;
}

}  // namespace remote::device
