#pragma once
#include <string>

namespace torch::nn {
class Module;
}

namespace remote {

/// Tells the workers the names of a module's parameters and buffers ("encoder.fc1.weight"), and its remote::nn
/// submodules their paths, so that errors say which parameter or layer they are about, and storage_registry() which
/// storage is which.
///
/// A few records, no round trip; tensors on other devices are passed over. To be called after the module is built and
/// moved; again when tensors were replaced. `prefix` comes before every name, with a dot.
void name_parameters(torch::nn::Module& module, const std::string& prefix = "");

}  // namespace remote
