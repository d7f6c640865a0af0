#pragma once
#include <string>

#include <remote/device/error.h>

namespace remote::testing {

/// The text of the Error that `action` throws, or "no error".
template <class Action>
std::string error_of(Action action) {
  try {
    action();
  } catch (const Error& error) {
    return error.status().message();
  }
  return "no error";
}

}  // namespace remote::testing
