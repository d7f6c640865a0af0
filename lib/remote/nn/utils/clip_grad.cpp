#include <remote/nn/utils/clip_grad.h>

#include <ATen/ATen.h>

namespace remote::nn::utils {

at::Tensor clip_grad_norm_(const std::vector<at::Tensor>& parameters, double max_norm, double norm_type) {
  at::NoGradGuard no_grad;
  // By device: a fused op takes tensors of one.
  std::vector<std::vector<at::Tensor>> gradients;
  for (const at::Tensor& parameter : parameters) {
    const at::Tensor& gradient = parameter.grad();
    if (!gradient.defined()) continue;
    auto group = gradients.begin();
    while (group != gradients.end() && group->front().device() != gradient.device()) ++group;
    if (group == gradients.end()) group = gradients.emplace(group);
    group->push_back(gradient);
  }
  if (gradients.empty()) return at::zeros({}, at::TensorOptions(at::kFloat).device(at::kCPU));

  const c10::Device device = gradients.front().front().device();
  std::vector<at::Tensor> norms;
  for (const auto& group : gradients) {
    for (at::Tensor& norm : at::_foreach_norm(group, norm_type)) norms.push_back(norm.to(device));
  }
  const at::Tensor total = norms.size() == 1 ? norms.front() : at::linalg_vector_norm(at::stack(norms), norm_type);
  const at::Tensor scale = at::clamp_max(at::reciprocal(total.add(1e-6)).mul(max_norm), 1.0);
  for (const auto& group : gradients) at::_foreach_mul_(group, scale.to(group.front().device()));
  return total;
}

at::Tensor clip_grad_norm_(std::initializer_list<at::Tensor> parameters, double max_norm, double norm_type) {
  return clip_grad_norm_(std::vector<at::Tensor>(parameters), max_norm, norm_type);
}

at::Tensor clip_grad_norm_(const at::Tensor& parameter, double max_norm, double norm_type) {
  return clip_grad_norm_(std::vector<at::Tensor>{parameter}, max_norm, norm_type);
}

}  // namespace remote::nn::utils
