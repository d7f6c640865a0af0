// Runs module.py in the Python that loads this library, if it is one. Python's own functions are looked up by name, so
// that the library links no Python and serves each of its versions.
#include <dlfcn.h>

#include <cstdio>

#include <remote/base/waiting.h>

#include "module_source.h"

namespace remote::python {
namespace {

template <class Function>
Function* find(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_DEFAULT, name));
}

/// PyGILState_STATE is an enumeration, passed as the int that it is.
void run_in_python(const char* source) {
  const auto is_initialized = find<int()>("Py_IsInitialized");
  const auto acquire = find<int()>("PyGILState_Ensure");
  const auto release = find<void(int)>("PyGILState_Release");
  const auto run = find<int(const char*, void*)>("PyRun_SimpleStringFlags");
  if (!is_initialized || !acquire || !release || !run || !is_initialized()) return;
  const int state = acquire();
  if (run(source, nullptr) != 0) std::fputs("remote: the module torch.remote could not be made; see above\n", stderr);
  release(state);
}

/// Whether this thread keeps Python's other threads from running.
bool holds_lock() {
  static const auto is_initialized = find<int()>("Py_IsInitialized");
  static const auto holds = find<int()>("PyGILState_Check");
  return is_initialized && holds && is_initialized() && holds();
}
void* release_lock() {
  static const auto save = find<void*()>("PyEval_SaveThread");
  return save();
}
void take_lock_back(void* thread) {
  static const auto restore = find<void(void*)>("PyEval_RestoreThread");
  restore(thread);
}

const bool ran = [] {
  set_around_wait({&holds_lock, &release_lock, &take_lock_back});
  run_in_python(kMakeModule);
  return true;
}();

}  // namespace
}  // namespace remote::python
