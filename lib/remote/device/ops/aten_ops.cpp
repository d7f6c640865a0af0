#include <remote/device/ops/aten_ops.h>

#include <ATen/core/dispatch/Dispatcher.h>

#include <algorithm>
#include <iterator>
#include <string_view>

namespace remote::device {
namespace {
constexpr std::string_view kAtenPrefix = "aten::";
}  // namespace

const std::vector<c10::OperatorName>& aten_ops() {
  static const auto* ops = [] {
    auto* found = new std::vector<c10::OperatorName>();
    std::ranges::copy_if(c10::Dispatcher::singleton().getAllOpNames(), std::back_inserter(*found),
                         [](const c10::OperatorName& op) { return op.name.starts_with(kAtenPrefix); });
    return found;
  }();
  return *ops;
}

std::string name_within_aten(const c10::OperatorName& op) {
  return toString(op).substr(kAtenPrefix.size());
}

}  // namespace remote::device
