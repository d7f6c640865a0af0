#include <remote/device/shapes/data_dependent.h>

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/enum_tag.h>

#include <algorithm>
#include <string_view>

namespace remote::device {
namespace {

/// Untagged in LibTorch. With their overload, without the namespace aten.
constexpr std::string_view kUntagged[] = {
    "_pack_padded_sequence",  // the sum of the lengths
    "_to_sparse",             // the number of non-zero elements
    "_to_sparse.sparse_dim",
    "is_nonzero",  // a bool for the host
};

/// Tagged, although the sizes follow from sizes and numbers alone.
constexpr std::string_view kMistagged[] = {
    "_ctc_loss",  // its lengths are numbers; those of _ctc_loss.Tensor are data
};

template <size_t N>
bool contains(const std::string_view (&names)[N], std::string_view name) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

}  // namespace

bool is_data_dependent(const c10::OperatorName& name) {
  constexpr std::string_view kNamespace = "aten::";
  std::string key = name.name;
  if (!name.overload_name.empty()) key.append(".").append(name.overload_name);
  if (std::string_view(key).substr(0, kNamespace.size()) == kNamespace) {
    const std::string_view op = std::string_view(key).substr(kNamespace.size());
    if (contains(kUntagged, op)) return true;
    if (contains(kMistagged, op)) return false;
  }
  const auto handle = c10::Dispatcher::singleton().findSchema(name);
  return handle && (handle->hasTag(at::Tag::dynamic_output_shape) || handle->hasTag(at::Tag::data_dependent_output));
}

}  // namespace remote::device
