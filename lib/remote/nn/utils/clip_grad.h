#pragma once
#include <ATen/core/Tensor.h>
#include <torch/nn/utils.h>

#include <vector>

namespace remote::nn::utils {

// clip_grad_value_, parameters_to_vector, rnn, ...: LibTorch's wait for nothing.
using namespace torch::nn::utils;  // NOLINT

/// Scales the gradients down so that their common norm is at most `max_norm`, and returns the norm that they had:
/// 0-dim, on the device of the first gradient; a CPU zero when there is none.
///
/// torch::nn::utils::clip_grad_norm_ without its wait: nothing is read, so it can't throw for a norm that is no finite
/// number; gradients become NaN then, and an optimizer with set_found_inf() can be kept from using them. Parameters
/// without gradient are left alone; gradients on several devices are norm'ed where they are.
at::Tensor clip_grad_norm_(const std::vector<at::Tensor>& parameters, double max_norm, double norm_type = 2.0);
at::Tensor clip_grad_norm_(std::initializer_list<at::Tensor> parameters, double max_norm, double norm_type = 2.0);
at::Tensor clip_grad_norm_(const at::Tensor& parameter, double max_norm, double norm_type = 2.0);

}  // namespace remote::nn::utils
