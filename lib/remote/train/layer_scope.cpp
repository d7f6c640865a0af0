#include <remote/train/layer_scope.h>

namespace remote::train {

void add_layer_to_error(c10::Error& error, const std::string& label) {
  if (error.msg().find(label) == std::string::npos) error.add_context("in " + label);
}

}  // namespace remote::train
