#pragma once
#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

namespace remote::amp {

/// Lets ops on a type of device run in lower precision where that is safe (matrix products, convolutions, attention)
/// and keeps the others in float32 (losses, norms, exponentials), in the calling thread, for as long as the scope
/// lives; the lists are those that LibTorch has for CUDA, whatever the worker computes on: its CPU lists keep fewer ops
/// in float32. Forward passes and losses belong inside, backward() outside.
///
/// Scopes nest; the innermost counts. Casts of parameters are kept until the outermost scope ends, so a step should
/// open one scope, not one for each layer. Create and destroy on one thread. Throws c10::Error for a dtype that is
/// neither bfloat16 nor float16. No round trip.
class AutocastScope {
 public:
  /// The other devices of the same type follow: LibTorch knows no finer switch.
  AutocastScope(c10::Device device, c10::ScalarType dtype, bool enabled = true);
  ~AutocastScope();
  AutocastScope(const AutocastScope&) = delete;
  AutocastScope& operator=(const AutocastScope&) = delete;

 private:
  c10::DeviceType type_;
  bool outer_enabled_;
  c10::ScalarType outer_dtype_;
};

}  // namespace remote::amp
