#include <remote/device/meta_kernel.h>

#include <ATen/ATen.h>

#include <vector>

namespace remote::device {

at::Tensor to_meta(const at::Tensor& tensor) {
  if (!tensor.defined() || (tensor.device().is_cpu() && tensor.dim() == 0)) return tensor;
  at::Tensor meta = at::empty_strided(tensor.sizes(), tensor.strides(), tensor.options().device(at::kMeta));
  if (tensor.is_conj()) meta._set_conj(true);
  if (tensor.is_neg()) meta._set_neg(true);
  return meta;
}

c10::IValue to_meta(const c10::IValue& value) {
  if (value.isTensor()) return to_meta(value.toTensor());
  if (value.isDevice()) return c10::Device(at::kMeta);
  if (value.isGenerator()) return {};
  if (!value.isList()) return value;
  const auto list = value.toList();
  auto result = c10::impl::GenericList(list.elementType());
  for (const c10::IValue& item : list) result.push_back(to_meta(item));
  return result;
}

at::Tensor sample_of(const at::Tensor& tensor) {
  if (!tensor.defined()) return tensor;
  const std::vector<int64_t> sizes(tensor.dim(), tensor.numel() == 0 ? 0 : 1);
  return at::ones(sizes, at::TensorOptions(tensor.scalar_type()));
}

c10::IValue sample_of(const c10::IValue& value) {
  if (value.isTensor()) return sample_of(value.toTensor());
  if (!value.isTensorList()) return value;
  c10::List<at::Tensor> samples;
  for (const at::Tensor& tensor : value.toTensorVector()) samples.push_back(sample_of(tensor));
  return samples;
}

void call_meta_kernel(const c10::OperatorHandle& op, torch::jit::Stack& stack) {
  at::AutoDispatchBelowAutograd below;
  c10::impl::ExcludeDispatchKeyGuard outside_scope(c10::DispatchKey::DeferredInit);
  op.callBoxed(&stack);
}

}  // namespace remote::device
