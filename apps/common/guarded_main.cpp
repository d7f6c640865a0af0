#include "apps/common/guarded_main.h"

#include <c10/util/Exception.h>
#include <malloc.h>

#include <iostream>
#include <new>

#include "apps/common/exit_code.h"

namespace remote::app {
namespace {

std::string without_newline(std::string text) {
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

/// Each step of training frees tensors that the next one asks for again. Left alone, glibc gives them back to the
/// system in between, which clears and maps their pages anew.
void keep_freed_memory() {
#ifdef __GLIBC__
  constexpr int kMebibyte = 1 << 20;
  ::mallopt(M_MMAP_THRESHOLD, 32 * kMebibyte);  // the most that glibc takes
  ::mallopt(M_TRIM_THRESHOLD, 512 * kMebibyte);
#endif
}

}  // namespace

int guarded_main(const std::string& program, const std::function<int()>& body) {
  keep_freed_memory();
  std::string message;
  int code = kExitFailed;
  try {
    code = body();
  } catch (const UsageError& error) {
    message = error.what();
    code = kExitUsage;
  } catch (const c10::Error& error) {
    message = error.what_without_backtrace();
  } catch (const std::bad_alloc&) {
    message = "out of memory in this process";
  } catch (const std::exception& error) {
    message = error.what();
  } catch (...) {
    message = "ended by an exception of unknown type";
  }
  std::cout.flush();
  if (!message.empty()) std::cerr << program << ": " << without_newline(message) << std::endl;
  return code;
}

}  // namespace remote::app
