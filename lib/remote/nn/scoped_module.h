#pragma once
#include <c10/util/Exception.h>

#include <string>
#include <string_view>
#include <utility>

#include <remote/device/error.h>
#include <remote/device/name_scope.h>

namespace remote::nn {

/// The part of a remote::nn module that says where it stands in its model, so that errors name it. Found from a
/// torch::nn::Module by dynamic_cast. One thread.
class ScopedModule {
 public:
  virtual ~ScopedModule() = default;

  /// The dotted path from the model, "encoder.fc1"; remote::name_parameters() sets it. Empty: the type's name is used.
  const std::string& scope_path() const { return scope_path_; }
  void set_scope_path(std::string path) { scope_path_ = std::move(path); }

 protected:
  /// Runs a forward pass. What the worker finds wrong with its ops carries the NameScope that is open meanwhile; what
  /// LibTorch finds wrong here, a shape as a rule, gets the name of the innermost module added.
  template <class Forward>
  auto run_forward(std::string_view type, Forward&& forward) const {
    const NameScope scope(scope_name(type));
    try {
      return std::forward<Forward>(forward)();
    } catch (Error&) {
      throw;  // may be about an op that was recorded long ago, elsewhere
    } catch (c10::Error& error) {
      if (error.context().empty()) error.add_context("layer " + NameScope::current());
      throw;
    }
  }

 private:
  /// The path, or the type without one, less the part that is open already.
  std::string_view scope_name(std::string_view type) const;

  std::string scope_path_;
};

}  // namespace remote::nn
