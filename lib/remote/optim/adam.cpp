#include <remote/optim/adam.h>
#include <remote/optim/adamw.h>

#include <remote/optim/fused_batch.h>
#include <remote/optim/step_counts.h>

namespace remote::optim {
namespace {

template <class Options>
void check_options(const char* name, const Options& options) {
  const auto [beta1, beta2] = options.betas();
  TORCH_CHECK(options.lr() >= 0, name, ": lr must not be negative, got ", options.lr());
  TORCH_CHECK(options.eps() >= 0, name, ": eps must not be negative, got ", options.eps());
  TORCH_CHECK(0 <= beta1 && beta1 < 1 && 0 <= beta2 && beta2 < 1, name, ": betas must lie in [0, 1), got ", beta1,
              " and ", beta2);
  TORCH_CHECK(options.weight_decay() >= 0, name, ": weight_decay must not be negative, got ", options.weight_decay());
}

/// Adam and AdamW differ in the op alone.
template <class Options, class FusedOp, class FoundInf>
void fused_step(detail::StateMap& states, torch::optim::OptimizerParamGroup& group, FusedOp fused_op,
                FoundInf found_inf) {
  const auto& options = static_cast<const Options&>(group.options());
  const auto batches = detail::make_batches<AdamParamState>(
      group, [&](const at::Tensor& parameter, const at::Tensor& dense) -> std::pair<AdamParamState*, bool> {
        auto& state = detail::state_of<AdamParamState>(states, parameter);
        if (!state.step().defined()) state.step(at::scalar_tensor(0, at::TensorOptions(at::kFloat).device(at::kCPU)));
        if (!state.exp_avg().defined()) state.exp_avg(at::zeros_like(dense));
        if (!state.exp_avg_sq().defined()) state.exp_avg_sq(at::zeros_like(dense));
        if (options.amsgrad() && !state.max_exp_avg_sq().defined()) state.max_exp_avg_sq(at::zeros_like(dense));
        for (at::Tensor* moment : {&state.exp_avg(), &state.exp_avg_sq(), &state.max_exp_avg_sq()}) {
          *moment = detail::laid_out_like(*moment, dense);
        }
        return {&state, false};
      });

  for (const auto& batch : batches) {
    const std::optional<at::Tensor> guard = found_inf(batch.device);
    detail::StepCounts counts(batch.device, guard);
    for (AdamParamState* state : batch.states) state->step(counts.next(state->step()));

    std::vector<at::Tensor> max_exp_avg_sqs;
    if (options.amsgrad()) {
      max_exp_avg_sqs = batch.collect([](const AdamParamState& state) { return state.max_exp_avg_sq(); });
    }
    fused_op(batch.parameters, batch.gradients,
             batch.collect([](const AdamParamState& state) { return state.exp_avg(); }),
             batch.collect([](const AdamParamState& state) { return state.exp_avg_sq(); }), max_exp_avg_sqs,
             batch.collect([](const AdamParamState& state) { return state.step(); }), options.lr(),
             std::get<0>(options.betas()), std::get<1>(options.betas()), options.weight_decay(), options.eps(),
             options.amsgrad(), /*maximize=*/false, /*grad_scale=*/std::nullopt, guard);
    batch.finish();
  }
}

void settle_state(torch::optim::Optimizer& optimizer) {
  detail::for_each_state<AdamParamState>(optimizer, [](AdamParamState& state, const at::Tensor& parameter) {
    state.step(state.step().cpu());
    state.exp_avg(detail::beside(state.exp_avg(), parameter));
    state.exp_avg_sq(detail::beside(state.exp_avg_sq(), parameter));
    state.max_exp_avg_sq(detail::beside(state.max_exp_avg_sq(), parameter));
  });
}

}  // namespace

void AdamParamState::serialize(torch::serialize::OutputArchive& archive) const {
  _TORCH_OPTIM_SERIALIZE_TORCH_ARG(step);
  _TORCH_OPTIM_SERIALIZE_TORCH_ARG(exp_avg);
  _TORCH_OPTIM_SERIALIZE_TORCH_ARG(exp_avg_sq);
  _TORCH_OPTIM_SERIALIZE_TORCH_ARG(max_exp_avg_sq);
}

void AdamParamState::serialize(torch::serialize::InputArchive& archive) {
  c10::IValue count;
  archive.read("step", count);
  step(count.isInt() ? at::scalar_tensor(count.toInt(), at::TensorOptions(at::kFloat).device(at::kCPU))
                     : count.toTensor());
  _TORCH_OPTIM_DESERIALIZE_TORCH_ARG(at::Tensor, exp_avg);
  _TORCH_OPTIM_DESERIALIZE_TORCH_ARG(at::Tensor, exp_avg_sq);
  _TORCH_OPTIM_DESERIALIZE_TORCH_ARG(at::Tensor, max_exp_avg_sq);
}

Adam::Adam(const std::vector<torch::optim::OptimizerParamGroup>& param_groups, AdamOptions defaults)
    : FusedOptimizer(param_groups, std::make_unique<AdamOptions>(defaults)) {
  check_options("remote::optim::Adam", defaults);
}

void Adam::step_group(torch::optim::OptimizerParamGroup& group) {
  fused_step<AdamOptions>(
      state(), group, [](auto&&... arguments) { at::_fused_adam_(std::forward<decltype(arguments)>(arguments)...); },
      [this](c10::Device device) { return found_inf_on(device); });
}

void Adam::save(torch::serialize::OutputArchive& archive) const {
  torch::optim::serialize<AdamParamState, AdamOptions>(archive, *this);
}

void Adam::load(torch::serialize::InputArchive& archive) {
  torch::optim::serialize<AdamParamState, AdamOptions>(archive, *this);
  settle_state(*this);
}

AdamW::AdamW(const std::vector<torch::optim::OptimizerParamGroup>& param_groups, AdamWOptions defaults)
    : FusedOptimizer(param_groups, std::make_unique<AdamWOptions>(defaults)) {
  check_options("remote::optim::AdamW", defaults);
}

void AdamW::step_group(torch::optim::OptimizerParamGroup& group) {
  fused_step<AdamWOptions>(
      state(), group, [](auto&&... arguments) { at::_fused_adamw_(std::forward<decltype(arguments)>(arguments)...); },
      [this](c10::Device device) { return found_inf_on(device); });
}

void AdamW::save(torch::serialize::OutputArchive& archive) const {
  torch::optim::serialize<AdamParamState, AdamWOptions>(archive, *this);
}

void AdamW::load(torch::serialize::InputArchive& archive) {
  torch::optim::serialize<AdamParamState, AdamWOptions>(archive, *this);
  settle_state(*this);
}

}  // namespace remote::optim
