#pragma once
#include <string>

namespace remote::app {

/// "0.1.0 (LibTorch 2.13.0)".
std::string version_text();

}  // namespace remote::app
