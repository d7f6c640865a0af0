// What no worker holds: tensors that are not dense. Refused where they would be made, before anything is recorded.
#include <ATen/NestedTensorImpl.h>
#include <torch/library.h>

#include <remote/device/error.h>
#include <remote/device/ops/aten_ops.h>

namespace remote::device {
namespace {

class Refusal final : public c10::OperatorKernel {
 public:
  /// `form`: of tensors, as people say it.
  explicit Refusal(const char* form) : form_(form) {}

  void operator()(const c10::OperatorHandle& op, c10::DispatchKeySet, torch::jit::Stack*) {
    throw_error(StatusCode::kUnimplemented,
                toString(op.operator_name()) + ": a remote device holds dense tensors, no " + form_ +
                    " ones; use a dense tensor, or copy to the CPU with .cpu() for this part");
  }

 private:
  const char* form_;
};

torch::CppFunction refusal(const char* form) {
  return torch::CppFunction::makeFromBoxedFunctor(std::make_unique<Refusal>(form));
}

/// Whether a padding mask would make a nested tensor: modules ask before they take the way with one.
constexpr std::string_view kNestedCheck = "_nested_tensor_from_mask_left_aligned";
bool makes_no_nested_tensor(const at::Tensor&, const at::Tensor&) {
  return false;
}

/// The form of tensors that an op takes or makes, by its name, where it is called with dense ones and would be
/// recorded.
const char* form_of(std::string_view op) {
  const auto has = [&](std::string_view part) { return op.find(part) != op.npos; };
  if (has("sparse") && op != "sparse_dim") return "sparse";
  if (has("nested") && op != kNestedCheck) return "nested";
  if (op.starts_with("quantize") || op.starts_with("_make_per_")) return "quantized";
  if (op == "to_mkldnn") return "mkldnn";
  return nullptr;
}

/// Refuses the ops of aten that have a form in their names; all, or those of one form.
void refuse_by_name(torch::Library& m, std::optional<std::string_view> only = std::nullopt) {
  for (const auto& op : aten_ops()) {
    const std::string name = name_within_aten(op);
    const char* form = form_of(std::string_view(name).substr(0, name.find('.')));
    if (form != nullptr && (!only || *only == form)) m.impl(name.c_str(), refusal(form));
  }
}

TORCH_LIBRARY_IMPL(aten, PrivateUse1, m) {
  refuse_by_name(m);
  m.impl(kNestedCheck.data(), &makes_no_nested_tensor);
}

// Ops that learn the form from a layout, a dtype or another argument.
TORCH_LIBRARY_IMPL(_, SparsePrivateUse1, m) {
  m.fallback(refusal("sparse"));
}
TORCH_LIBRARY_IMPL(_, SparseCsrPrivateUse1, m) {
  m.fallback(refusal("sparse"));
}
TORCH_LIBRARY_IMPL(_, QuantizedPrivateUse1, m) {
  m.fallback(refusal("quantized"));
}
TORCH_LIBRARY_IMPL(_, NestedTensorPrivateUse1, m) {
  m.fallback(refusal("nested"));
}
// LibTorch's own code for all forms comes before these fallbacks, and makes tensors in compressed rows of dense ones.
TORCH_LIBRARY_IMPL(aten, SparseCsrPrivateUse1, m) {
  refuse_by_name(m, "sparse");
}
// LibTorch makes one without an op of the device, and then asks for these, which lie on the CPU, where nothing may
// throw.
TORCH_LIBRARY_IMPL(aten, NestedTensorPrivateUse1, m) {
  m.impl("_nested_tensor_size",
         [](const at::Tensor& nested) { return at::native::get_nested_tensor_impl(nested)->get_nested_sizes(); });
  m.impl("_nested_tensor_strides",
         [](const at::Tensor& nested) { return at::native::get_nested_tensor_impl(nested)->get_nested_strides(); });
  m.impl("_nested_tensor_storage_offsets",
         [](const at::Tensor& nested) { return at::native::get_nested_tensor_impl(nested)->get_storage_offsets(); });
}

}  // namespace
}  // namespace remote::device
