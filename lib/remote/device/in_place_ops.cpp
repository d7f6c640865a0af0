// In-place ops whose LibTorch code can't record (it calls a CPU kernel itself, or lets the tensor grow), and those
// whose shapes only a kernel would check.
#include <ATen/ATen.h>
#include <ATen/ExpandUtils.h>
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
    record_mutation(info, arguments, self.device().index());
    return self;
  }
  const at::Tensor sum = at::addbmm(self, batch1, batch2, beta, alpha);
  self.resize_(sum.sizes());
  return self.copy_(sum);
}

/// What self[indices] has for a size; nullopt where that depends on the values of a mask.
std::optional<at::DimVector> indexed_size(const at::Tensor& self, const c10::List<std::optional<at::Tensor>>& indices) {
  TORCH_CHECK_INDEX(static_cast<int64_t>(indices.size()) <= self.dim(), "too many indices for tensor of dimension ",
                    self.dim(), " (got ", indices.size(), ")");
  at::DimVector broadcast, before, after;
  bool any = false, adjacent = true, ended = false;
  for (int64_t dim = 0; dim < self.dim(); ++dim) {
    const std::optional<at::Tensor> index =
        dim < static_cast<int64_t>(indices.size()) ? indices.get(dim) : std::optional<at::Tensor>();
    if (!index || !index->defined()) {
      ended |= any;
      (any ? after : before).push_back(self.size(dim));
      continue;
    }
    if (index->scalar_type() == at::kBool || index->scalar_type() == at::kByte) return std::nullopt;
    adjacent &= !ended;
    broadcast = any ? at::infer_size_dimvector(broadcast, index->sizes()) : at::DimVector(index->sizes());
    any = true;
  }
  at::DimVector size = adjacent ? before : broadcast;
  size.append(adjacent ? broadcast : before);
  size.append(after);
  return size;
}

void record_index_put(const c10::OperatorHandle& op, c10::DispatchKeySet keys, torch::jit::Stack* stack) {
  const auto arguments = torch::jit::last(*stack, op.schema().arguments().size());
  const auto size = indexed_size(arguments[0].toTensor(), arguments[1].toOptionalTensorList());
  const at::Tensor& values = arguments[2].toTensor();
  TORCH_CHECK(!size || at::is_expandable_to(values.sizes(), *size), "shape mismatch: value tensor of shape ",
              values.sizes(), " cannot be broadcast to indexing result of shape ", *size,
              "; reshape the values, or expand() them to that shape");
  record_op(op, keys, stack);
}

/// masked_fill_(self, mask, ...) and masked_scatter_(self, mask, ...)
void record_masked(const c10::OperatorHandle& op, c10::DispatchKeySet keys, torch::jit::Stack* stack) {
  const auto arguments = torch::jit::last(*stack, op.schema().arguments().size());
  at::expand_inplace(arguments[0].toTensor(), arguments[1].toTensor(), op.schema().name().c_str());
  record_op(op, keys, stack);
}

TORCH_LIBRARY_IMPL(aten, PrivateUse1, m) {
  m.impl("conj_physical_", &conj_physical_);
  m.impl("addbmm_", &addbmm_);
  m.impl("_index_put_impl_", torch::CppFunction::makeFromBoxedFunction<&record_index_put>());
  for (const char* name : {"masked_fill_.Scalar", "masked_fill_.Tensor", "masked_scatter_"}) {
    m.impl(name, torch::CppFunction::makeFromBoxedFunction<&record_masked>());
  }
}

}  // namespace
}  // namespace remote::device
