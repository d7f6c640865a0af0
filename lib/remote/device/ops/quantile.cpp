// Quantiles: LibTorch looks at where they lie on the CPU alone.
#include <ATen/ATen.h>
#include <ATen/NativeFunctions.h>
#include <torch/library.h>

#include <remote/device/runtime.h>

namespace remote::device {
namespace {

using Quantile = at::Tensor (*)(const at::Tensor&, const at::Tensor&, std::optional<int64_t>, bool, std::string_view);

/// A CPU worker says so where one lies outside of [0, 1], with the next value that is read.
template <Quantile kNative>
at::Tensor quantile(const at::Tensor& self, const at::Tensor& q, std::optional<int64_t> dim, bool keepdim,
                    std::string_view interpolation) {
  if (worker_is(at::kCPU, q) && at::isFloatingType(q.scalar_type())) {
    const at::Tensor places = q.detach();
    at::_assert_async(places.ge(0).logical_and_(places.le(1)).all(), "quantile() q values must be in the range [0, 1]");
  }
  return kNative(self, q, dim, keepdim, interpolation);
}

// On both keys: autograd sees the ops inside, and inference mode leaves its key out.
void register_quantiles(torch::Library& m) {
  m.impl("quantile", &quantile<at::native::quantile>);
  m.impl("nanquantile", &quantile<at::native::nanquantile>);
}

TORCH_LIBRARY_IMPL(aten, AutogradPrivateUse1, m) {
  register_quantiles(m);
}
TORCH_LIBRARY_IMPL(aten, PrivateUse1, m) {
  register_quantiles(m);
}

}  // namespace
}  // namespace remote::device
