#include <remote/amp/grad_scaler.h>

#include <ATen/ATen.h>
#include <c10/util/ScopeExit.h>
#include <torch/serialize/archive.h>

#include <algorithm>
#include <map>

namespace remote::amp {

GradScaler::GradScaler(c10::Device device, GradScalerOptions options)
    : options_(options),
      scale_(at::full({}, options.init_scale, at::TensorOptions(device).dtype(at::kFloat))),
      growth_tracker_(at::zeros({}, at::TensorOptions(device).dtype(at::kInt))) {
  TORCH_CHECK(
      options.init_scale > 0 && options.growth_factor > 1 && options.backoff_factor > 0 && options.backoff_factor < 1 &&
          options.growth_interval > 0,
      "remote::amp::GradScaler: a positive init_scale, a growth_factor above 1, a backoff_factor between 0 and 1 "
      "and a positive growth_interval are expected, got ",
      options.init_scale, ", ", options.growth_factor, ", ", options.backoff_factor, " and ", options.growth_interval);
}

at::Tensor GradScaler::scale(const at::Tensor& loss) const {
  TORCH_CHECK(loss.device() == scale_.device(), "remote::amp::GradScaler: the loss is expected on ", scale_.device(),
              ", where the scaler was made, and lies on ", loss.device());
  return loss * scale_;
}

void GradScaler::unscale(torch::optim::Optimizer& optimizer) {
  Seen& state = seen(optimizer);
  TORCH_CHECK(!state.unscaled,
              "remote::amp::GradScaler: these gradients were unscaled already; call update() once a step, "
              "after the optimizer's");
  // One op takes the gradients of one dtype.
  std::map<at::ScalarType, std::vector<at::Tensor>> gradients;
  for (auto& group : optimizer.param_groups()) {
    for (const at::Tensor& parameter : group.params()) {
      const at::Tensor& grad = parameter.grad();
      if (!grad.defined()) continue;
      TORCH_CHECK(grad.scalar_type() == at::kFloat || grad.scalar_type() == at::kDouble,
                  "remote::amp::GradScaler: gradients in float32 are expected, got ", grad.scalar_type(),
                  " of a parameter of shape ", parameter.sizes(),
                  "; keep the parameters in float32 and compute inside an AutocastScope");
      TORCH_CHECK(grad.device() == scale_.device(), "remote::amp::GradScaler: gradients are expected on ",
                  scale_.device(), ", where the scaler was made, and one of shape ", parameter.sizes(), " lies on ",
                  grad.device());
      gradients[grad.scalar_type()].push_back(grad);
    }
  }
  TORCH_CHECK(!gradients.empty(),
              "remote::amp::GradScaler: no parameter of the optimizer has a gradient; call backward() first");
  at::NoGradGuard no_grad;
  state.found_inf.zero_();
  // Through float64: the reciprocal of a large scale is no normal float32 number.
  const at::Tensor inverse = scale_.to(at::kDouble).reciprocal().to(at::kFloat);
  for (auto& [dtype, list] : gradients) {
    at::_amp_foreach_non_finite_check_and_unscale_(list, state.found_inf, inverse);
  }
  state.unscaled = true;
}

void GradScaler::step(optim::FusedOptimizer& optimizer) {
  if (!seen(optimizer).unscaled) unscale(optimizer);
  Seen& state = seen(optimizer);
  TORCH_CHECK(!state.stepped,
              "remote::amp::GradScaler: this optimizer took its step already; call update() before the next");
  const at::Tensor own = optimizer.found_inf();
  optimizer.set_found_inf(own.defined() ? at::maximum(own.reshape({}).to(scale_.device()), state.found_inf)
                                        : state.found_inf);
  const auto restore = c10::make_scope_exit([&] { optimizer.set_found_inf(own); });
  optimizer.step();
  state.stepped = true;
}

void GradScaler::update() {
  at::NoGradGuard no_grad;
  at::Tensor found;
  for (Seen& one : seen_) {
    if (one.unscaled) found = found.defined() ? found + one.found_inf : one.found_inf;
    one.unscaled = one.stepped = false;
  }
  TORCH_CHECK(found.defined(),
              "remote::amp::GradScaler: no gradient was looked at since the last update; call step() "
              "or unscale() first");
  at::_amp_update_scale_(scale_, growth_tracker_, found, options_.growth_factor, options_.backoff_factor,
                         options_.growth_interval);
}

at::Tensor GradScaler::found_inf(const torch::optim::Optimizer& optimizer) const {
  const auto found = std::ranges::find(seen_, &optimizer, &Seen::optimizer);
  return found == seen_.end() ? at::Tensor() : found->found_inf;
}

void GradScaler::save(torch::serialize::OutputArchive& archive) const {
  archive.write("scale", scale_, /*is_buffer=*/true);
  archive.write("growth_tracker", growth_tracker_, /*is_buffer=*/true);
}

void GradScaler::load(torch::serialize::InputArchive& archive) {
  at::NoGradGuard no_grad;
  at::Tensor scale, tracker;
  archive.read("scale", scale, /*is_buffer=*/true);
  archive.read("growth_tracker", tracker, /*is_buffer=*/true);
  scale_.copy_(scale);
  growth_tracker_.copy_(tracker);
}

GradScaler::Seen& GradScaler::seen(const torch::optim::Optimizer& optimizer) {
  const auto found = std::ranges::find(seen_, &optimizer, &Seen::optimizer);
  if (found != seen_.end()) return *found;
  return seen_.emplace_back(&optimizer, at::zeros({}, scale_.options()));
}

}  // namespace remote::amp
