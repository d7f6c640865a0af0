#include <remote/amp/autocast_scope.h>

#include <ATen/autocast_mode.h>

namespace remote::amp {

AutocastScope::AutocastScope(c10::Device device, c10::ScalarType dtype, bool enabled)
    : type_(device.type()),
      outer_enabled_(at::autocast::is_autocast_enabled(type_)),
      outer_dtype_(at::autocast::get_autocast_dtype(type_)) {
  TORCH_CHECK(dtype == at::kBFloat16 || dtype == at::kHalf,
              "remote::amp::AutocastScope: bfloat16 or float16 is expected, got ", dtype,
              "; without a scope ops keep the dtypes of their tensors");
  at::autocast::set_autocast_enabled(type_, enabled);
  at::autocast::set_autocast_dtype(type_, dtype);
  at::autocast::increment_nesting();
}

AutocastScope::~AutocastScope() {
  if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
  at::autocast::set_autocast_enabled(type_, outer_enabled_);
  at::autocast::set_autocast_dtype(type_, outer_dtype_);
}

}  // namespace remote::amp
