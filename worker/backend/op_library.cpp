#include <worker/backend/op_library.h>

#include <dlfcn.h>

namespace remote::worker {

Status load_op_library(const std::string& path) {
  // Global, so that a library may build on the ops of one before it.
  if (::dlopen(path.c_str(), RTLD_NOW | RTLD_GLOBAL) != nullptr) return {};
  const char* reason = ::dlerror();
  return {StatusCode::kInvalidArgument, "the op library " + path + " can't be loaded: " +
                                            (reason != nullptr ? reason : "no reason given") +
                                            "; it must be a shared library, built with the LibTorch of this worker"};
}

}  // namespace remote::worker
