#include <remote/train/nan_guard.h>

#include <ATen/ATen.h>

namespace remote::train {

NanGuard::NanGuard(c10::Device device)
    : found_inf_(at::zeros({1}, at::TensorOptions(at::kFloat).device(device))),
      bad_steps_(at::zeros({1}, at::TensorOptions(at::kFloat).device(device))),
      one_(at::ones({1}, at::TensorOptions(at::kFloat).device(device))) {}

void NanGuard::check(const at::Tensor& loss, const at::Tensor& grad_norm) {
  at::NoGradGuard no_grad;
  std::vector<at::Tensor> watched{loss.detach()};
  if (grad_norm.defined()) watched.push_back(grad_norm.detach());
  // Also multiplies what it checks, here by 1, which changes no bit. Never clears the flag.
  at::_amp_foreach_non_finite_check_and_unscale_(watched, found_inf_, one_);
  bad_steps_.add_(found_inf_);
}

}  // namespace remote::train
