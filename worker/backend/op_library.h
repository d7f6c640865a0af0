#pragma once
#include <string>

#include <remote/base/status.h>

namespace remote::worker {

/// Loads a shared library that registers ops (TORCH_LIBRARY), for the whole process and for good. Clients may call them
/// once their namespace is allowed, too. INVALID_ARGUMENT, with the loader's own words, where it can't be loaded.
Status load_op_library(const std::string& path);

}  // namespace remote::worker
