#pragma once
#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

namespace remote::train {

/// A tensor by its name in a state dict.
struct NamedTensor {
  std::string name;
  at::Tensor tensor;
};

using NamedTensors = std::vector<NamedTensor>;

}  // namespace remote::train
