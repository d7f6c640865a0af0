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
/// A record a tensor, no round trip; tensors on other devices are passed over. To be called after the module is built
/// and moved, by one thread; again when tensors were replaced. `prefix` comes before every name, with a dot; a name
/// beyond 4 KiB is cut. Connects the tensors' devices. Throws remote::Error as any record does, an earlier error of the
/// worker that nobody has seen among them; call it again then.
void name_parameters(torch::nn::Module& module, const std::string& prefix = "");

}  // namespace remote
