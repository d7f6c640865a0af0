// In-place ops whose LibTorch code can't record: it calls a CPU kernel itself, or lets the tensor grow.
#include <ATen/ATen.h>
#include <torch/library.h>

#include <remote/device/recorder.h>

namespace remote::device {
namespace {

at::Tensor& conj_physical_(at::Tensor& self) { return at::conj_physical_out(self, self); }

/// On the CPU a smaller tensor, which is broadcast, grows to the size of the result.
at::Tensor& addbmm_(at::Tensor& self, const at::Tensor& batch1, const at::Tensor& batch2, const at::Scalar& beta,
                    const at::Scalar& alpha) {
  static const OpInfo& info = op_info(c10::Dispatcher::singleton().findSchemaOrThrow("aten::addbmm_", ""));
  const bool fits =
      batch1.dim() == 3 && batch2.dim() == 3 && self.sizes() == c10::IntArrayRef({batch1.size(1), batch2.size(2)});
  if (fits) {
    const c10::IValue arguments[] = {self, batch1, batch2, beta, alpha};
    info.check(info.op.schema(), c10::ArrayRef<c10::IValue>(arguments));
    record_mutation(info, arguments, self.device().index());
    return self;
  }
  const at::Tensor sum = at::addbmm(self, batch1, batch2, beta, alpha);
  self.resize_(sum.sizes());
  return self.copy_(sum);
}

TORCH_LIBRARY_IMPL(aten, PrivateUse1, m) {
  m.impl("conj_physical_", &conj_physical_);
  m.impl("addbmm_", &addbmm_);
}

}  // namespace
}  // namespace remote::device
