#pragma once
#include <ATen/core/Tensor.h>

#include <string>

#include <remote/device/name_scope.h>

namespace remote::train {

/// Adds "in layer ..." to an error that came out of a layer, unless the error tells it already: one of the worker's
/// knows the scope that its op was recorded in.
void add_layer_to_error(c10::Error& error, const std::string& label);

/// Runs one layer of a model under the name `label`, "layer 2 (Linear)": an error of the worker names it, and so does
/// one that the layer itself throws, a shape that doesn't fit. Returns what `forward` returns.
template <class Forward>
at::Tensor run_layer(const std::string& label, Forward&& forward) {
  NameScope scope(label);
  try {
    return forward();
  } catch (c10::Error& error) {
    add_layer_to_error(error, label);
    throw;
  }
}

}  // namespace remote::train
