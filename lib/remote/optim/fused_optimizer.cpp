#include <remote/optim/fused_optimizer.h>

namespace remote::optim {

void FusedOptimizer::set_found_inf(at::Tensor found_inf) {
  TORCH_CHECK(!found_inf.defined() || (found_inf.scalar_type() == at::kFloat && found_inf.numel() == 1),
              "remote::optim: found_inf is a float32 tensor with one element, got ", found_inf.toString(), " ",
              found_inf.sizes());
  found_inf_ = std::move(found_inf);
}

at::Tensor FusedOptimizer::step(LossClosure closure) {
  at::Tensor loss;
  if (closure) {
    at::AutoGradMode enable_grad(true);
    loss = closure();
  }
  at::NoGradGuard no_grad;
  for (auto& group : param_groups()) step_group(group);
  return loss;
}

std::optional<at::Tensor> FusedOptimizer::found_inf_on(c10::Device device) const {
  if (!found_inf_.defined()) return std::nullopt;
  return found_inf_.device() == device ? found_inf_ : found_inf_.to(device);
}

}  // namespace remote::optim
