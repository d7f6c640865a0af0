#pragma once
// For the files that define what the classes of modules.h only declare.
#include <remote/nn/modules.h>

#define REMOTE_NN_DEFINE(Name, PARAMETERS, ARGUMENTS)                                                    \
  std::shared_ptr<torch::nn::Module> Name##Impl::clone(const std::optional<c10::Device>& device) const { \
    return detail::clone_as(*this, device);                                                              \
  }
