#include "apps/common/guarded_main.h"

#include <c10/util/Exception.h>

#include <iostream>
#include <new>

#include <remote/base/process_memory.h>

#include "apps/common/exit_code.h"

namespace remote::app {
namespace {

std::string without_newline(std::string text) {
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

}  // namespace

int guarded_main(const std::string& program, const std::function<int()>& body) {
  keep_memory_for_tensors();
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
