#include <remote/optim/sgd.h>

#include <remote/device/runtime.h>
#include <remote/optim/fused_batch.h>

namespace remote::optim {
namespace {

using Batch = detail::FusedBatch<SGDParamState>;

/// LibTorch's fused SGD kernel for the CPU leaves most of a float16 or bfloat16 parameter unchanged (2.11 to 2.13).
bool needs_float32(const Batch& batch) {
  if (!at::isReducedFloatingType(batch.dtype)) return false;
  return batch.device.is_cpu() || device::worker_is(c10::DeviceType::CPU, batch.parameters.front());
}

std::vector<at::Tensor> in_float32(const std::vector<at::Tensor>& tensors) {
  std::vector<at::Tensor> result;
  result.reserve(tensors.size());
  for (const at::Tensor& tensor : tensors) result.push_back(tensor.to(at::kFloat));
  return result;
}

void copy_all(const std::vector<at::Tensor>& to, const std::vector<at::Tensor>& from) {
  for (size_t i = 0; i < to.size(); ++i) to[i].copy_(from[i]);
}

}  // namespace

SGD::SGD(const std::vector<torch::optim::OptimizerParamGroup>& param_groups, SGDOptions defaults)
    : FusedOptimizer(param_groups, std::make_unique<SGDOptions>(defaults)) {
  TORCH_CHECK(defaults.lr() >= 0, "remote::optim::SGD: lr must not be negative, got ", defaults.lr());
  TORCH_CHECK(defaults.momentum() >= 0, "remote::optim::SGD: momentum must not be negative, got ", defaults.momentum());
  TORCH_CHECK(defaults.weight_decay() >= 0, "remote::optim::SGD: weight_decay must not be negative, got ",
              defaults.weight_decay());
  TORCH_CHECK(!defaults.nesterov() || (defaults.momentum() > 0 && defaults.dampening() == 0),
              "remote::optim::SGD: nesterov needs a momentum above 0 and a dampening of 0, got momentum ",
              defaults.momentum(), " and dampening ", defaults.dampening());
}

void SGD::step_group(torch::optim::OptimizerParamGroup& group) {
  const auto& options = static_cast<const SGDOptions&>(group.options());
  const bool has_momentum = options.momentum() != 0;
  const auto batches = detail::make_batches<SGDParamState>(
      group, [&](const at::Tensor& parameter, const at::Tensor& dense) -> std::pair<SGDParamState*, bool> {
        if (!has_momentum) return {nullptr, false};
        auto& state = detail::state_of<SGDParamState>(this->state(), parameter);
        if (state.momentum_buffer().defined()) {
          state.momentum_buffer(detail::laid_out_like(state.momentum_buffer(), dense));
          return {&state, false};
        }
        // The first step overwrites it, unless found_inf stops that step.
        state.momentum_buffer(at::zeros_like(dense));
        return {&state, true};
      });

  for (const Batch& batch : batches) {
    std::vector<at::Tensor> momentum_buffers;
    if (has_momentum) {
      momentum_buffers = batch.collect([](const SGDParamState& state) { return state.momentum_buffer(); });
    }
    auto run = [&](at::TensorList parameters, at::TensorList gradients, at::TensorList buffers) {
      at::_fused_sgd_(parameters, gradients, buffers, options.weight_decay(), options.momentum(), options.lr(),
                      options.dampening(), options.nesterov(), /*maximize=*/false, batch.first_step,
                      /*grad_scale=*/std::nullopt, found_inf_on(batch.device));
    };
    if (needs_float32(batch)) {
      const auto parameters = in_float32(batch.parameters);
      const auto buffers = in_float32(momentum_buffers);
      run(parameters, in_float32(batch.gradients), buffers);
      copy_all(batch.parameters, parameters);
      copy_all(momentum_buffers, buffers);
    } else {
      run(batch.parameters, batch.gradients, momentum_buffers);
    }
    batch.finish();
  }
}

void SGD::save(torch::serialize::OutputArchive& archive) const {
  torch::optim::serialize<SGDParamState, SGDOptions>(archive, *this);
}

void SGD::load(torch::serialize::InputArchive& archive) {
  torch::optim::serialize<SGDParamState, SGDOptions>(archive, *this);
  detail::for_each_state<SGDParamState>(*this, [](SGDParamState& state, const at::Tensor& parameter) {
    state.momentum_buffer(detail::beside(state.momentum_buffer(), parameter));
  });
}

}  // namespace remote::optim
