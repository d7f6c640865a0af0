#pragma once
#include <torch/nn/module.h>
#include <torch/nn/modules/transformercoder.h>

#include <concepts>
#include <memory>
#include <optional>
#include <utility>

#include <remote/device/device_scope.h>
#include <remote/nn/scoped_module.h>

namespace remote::nn::detail {

/// A DeviceScope for as long as a module makes its tensors.
class Birth {
 public:
  /// On current_device().
  Birth();
  /// Where the module's tensors are; on current_device() for a module without.
  explicit Birth(const torch::nn::Module& beside);

  c10::Device device() const { return device_; }

 private:
  c10::Device device_;
  std::optional<DeviceScope> scope_;
};

/// Modules whose layers are copies of one that the options bring, wherever that one is.
template <class Base>
inline constexpr bool kCopiesGivenLayers =
    std::same_as<Base, torch::nn::TransformerEncoderImpl> || std::same_as<Base, torch::nn::TransformerDecoderImpl>;

/// A module of LibTorch whose constructor runs in a DeviceScope: what it makes is made and initialised on the worker.
/// Tensors that its options bring stay where they are.
template <class Base>
class Born : public Base, public ScopedModule {
 public:
  using Original = Base;

  template <class... Arguments>
    requires std::constructible_from<Base, Arguments...>
  explicit(sizeof...(Arguments) == 1) Born(Arguments&&... arguments)
      : Born(Birth(), std::forward<Arguments>(arguments)...) {}

 private:
  template <class... Arguments>
  explicit Born(const Birth& birth, Arguments&&... arguments) : Base(std::forward<Arguments>(arguments)...) {
    if constexpr (kCopiesGivenLayers<Base>) this->to(birth.device());
  }
};

/// A copy of `self` of its own type. LibTorch's clone makes a module of the type that it knows, with new tensors, and
/// copies the values; here the new tensors are made beside the old ones, so nothing is uploaded and no local number is
/// drawn. The copy then takes them over.
template <class Impl>
std::shared_ptr<torch::nn::Module> clone_as(const Impl& self, const std::optional<c10::Device>& device) {
  using Base = typename Impl::Original;
  const Birth beside(self);
  return std::make_shared<Impl>(*std::static_pointer_cast<Base>(self.Base::clone(device)));
}

}  // namespace remote::nn::detail
