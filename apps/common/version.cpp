#include "apps/common/version.h"

#include <torch/headeronly/version.h>

namespace remote::app {

std::string version_text() { return REMOTE_VERSION " (LibTorch " TORCH_VERSION ")"; }

}  // namespace remote::app
