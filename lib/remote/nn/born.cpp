#include <remote/nn/born.h>

#include <remote/tensor/current_device.h>

namespace remote::nn {

std::string_view ScopedModule::scope_name(std::string_view type) const {
  if (scope_path_.empty()) return type;
  const std::string_view path = scope_path_;
  const std::string& outer = NameScope::current();
  const bool is_inside = path.size() > outer.size() && path.starts_with(outer) && path[outer.size()] == '.';
  return is_inside ? path.substr(outer.size() + 1) : path;
}

namespace detail {
namespace {

c10::Device device_of(const torch::nn::Module& module) {
  for (const auto& parameter : module.parameters()) {
    if (parameter.defined()) return parameter.device();
  }
  for (const auto& buffer : module.buffers()) {
    if (buffer.defined()) return buffer.device();
  }
  return current_device();
}

}  // namespace

Birth::Birth() : device_(current_device()) { scope_.emplace(device_); }

Birth::Birth(const torch::nn::Module& beside) : device_(device_of(beside)) {
  // A module that was moved to another kind of device is LibTorch's business.
  if (device_.is_cpu() || device_.is_privateuseone()) scope_.emplace(device_);
}

}  // namespace detail
}  // namespace remote::nn
