#pragma once
#include <ATen/ATen.h>
#include <torch/optim/optimizer.h>

#include <memory>
#include <utility>
#include <vector>

namespace remote::optim::detail {

/// What one fused op takes: parameters of one device and dtype, their gradients and states, in the same order.
///
/// Fused kernels walk memory and look at no strides, so a parameter and everything beside it have one dense layout
/// here.
template <class ParamState>
struct FusedBatch {
  c10::Device device;
  at::ScalarType dtype;
  bool first_step;
  std::vector<at::Tensor> parameters;
  std::vector<at::Tensor> gradients;
  std::vector<ParamState*> states;
  /// Parameters that are no dense tensors, and the dense copies that stand for them.
  std::vector<std::pair<at::Tensor, at::Tensor>> copies;

  FusedBatch(c10::Device device, at::ScalarType dtype, bool first_step)
      : device(device), dtype(dtype), first_step(first_step) {}

  /// Writes what the op did to the copies back.
  void finish() const {
    for (const auto& [parameter, copy] : copies) parameter.copy_(copy);
  }
  /// One tensor of every state; `member` is its getter.
  template <class Getter>
  std::vector<at::Tensor> collect(Getter getter) const {
    std::vector<at::Tensor> result;
    result.reserve(states.size());
    for (const ParamState* state : states) result.push_back(getter(*state));
    return result;
  }
};

/// Where an optimizer keeps what it remembers of each parameter.
using StateMap = ska::flat_hash_map<void*, std::unique_ptr<torch::optim::OptimizerParamState>>;

/// A parameter's state, made on first use.
template <class ParamState>
ParamState& state_of(StateMap& states, const at::Tensor& parameter) {
  auto& slot = states[parameter.unsafeGetTensorImpl()];
  if (slot == nullptr) slot = std::make_unique<ParamState>();
  return static_cast<ParamState&>(*slot);
}

/// The tensor in the layout of `dense`, as fused kernels need it: a gradient, or a state that was loaded, may have
/// another. Undefined stays undefined.
inline at::Tensor laid_out_like(const at::Tensor& tensor, const at::Tensor& dense) {
  if (!tensor.defined() || tensor.strides() == dense.strides()) return tensor;
  return at::empty_like(dense).copy_(tensor);
}

/// The group's parameters that have a gradient, in batches. `prepare(parameter, dense)` returns the parameter's state
/// (or null), with whatever it lacked filled in with tensors like `dense` and the rest laid out like it, and whether
/// this is the parameter's first step; first steps and later ones come in different batches.
template <class ParamState, class Prepare>
std::vector<FusedBatch<ParamState>> make_batches(const torch::optim::OptimizerParamGroup& group, Prepare prepare) {
  std::vector<FusedBatch<ParamState>> batches;
  for (const at::Tensor& parameter : group.params()) {
    const at::Tensor& grad = parameter.grad();
    if (!grad.defined()) continue;
    TORCH_CHECK(grad.layout() == at::kStrided,
                "remote::optim: a dense gradient is expected, the one of a parameter of shape ", parameter.sizes(),
                " is sparse. Use an optimizer of torch::optim for it");

    const bool is_copy = !parameter.is_non_overlapping_and_dense();
    const at::Tensor dense = is_copy ? parameter.clone(at::MemoryFormat::Contiguous) : parameter;
    const auto [state, first_step] = prepare(parameter, dense);

    FusedBatch<ParamState>* batch = nullptr;
    for (auto& candidate : batches) {
      if (candidate.device == dense.device() && candidate.dtype == dense.scalar_type() &&
          candidate.first_step == first_step) {
        batch = &candidate;
        break;
      }
    }
    if (batch == nullptr) {
      batch = &batches.emplace_back(dense.device(), dense.scalar_type(), first_step);
      for (auto* list : {&batch->parameters, &batch->gradients}) list->reserve(group.params().size());
      batch->states.reserve(group.params().size());
    }
    batch->parameters.push_back(dense);
    batch->gradients.push_back(laid_out_like(grad, dense));
    batch->states.push_back(state);
    if (is_copy) batch->copies.emplace_back(parameter, dense);
  }
  return batches;
}

/// Calls `visit(state, parameter)` for each parameter that has a state.
template <class ParamState, class Visit>
void for_each_state(torch::optim::Optimizer& optimizer, Visit visit) {
  for (const auto& group : optimizer.param_groups()) {
    for (const at::Tensor& parameter : group.params()) {
      auto found = optimizer.state().find(parameter.unsafeGetTensorImpl());
      if (found != optimizer.state().end()) visit(static_cast<ParamState&>(*found->second), parameter);
    }
  }
}

/// The tensor on the parameter's device; undefined stays undefined.
inline at::Tensor beside(const at::Tensor& tensor, const at::Tensor& parameter) {
  return tensor.defined() ? tensor.to(parameter.device()) : tensor;
}

}  // namespace remote::optim::detail
