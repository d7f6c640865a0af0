#pragma once
#include <string>

#include <remote/train/named_tensors.h>

namespace torch::nn {
class Module;
}

namespace remote::train {

/// The parameters and buffers of a module under their names, each tensor once: one that the module has under two names
/// (tied weights) comes under the first. The tensors are the module's own, not copies.
NamedTensors state_dict(const torch::nn::Module& module);

/// The values on the CPU. All fetches are under way before the first is waited for.
NamedTensors fetch_all(const NamedTensors& tensors);

/// Copies `values` into the module's parameters and buffers, which keep their identity, device and dtype.
///
/// Throws remote::Error before anything is copied unless names and shapes agree; the message lists every missing,
/// unexpected and mismatched one. One of the names of a tied tensor is enough, and BatchNorm's num_batches_tracked,
/// which old files lack, may be missing. `source` is where the values come from, for the message.
void load_state_dict(torch::nn::Module& module, const NamedTensors& values, const std::string& source);

}  // namespace remote::train
