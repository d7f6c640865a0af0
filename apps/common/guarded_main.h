#pragma once
#include <functional>
#include <stdexcept>
#include <string>

namespace remote::app {

/// Ends the program with exit code 2 and this text, which says what is wrong with the command line or the
/// configuration.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Runs a program's body. Whatever it throws becomes one message on stderr, without a backtrace, and an exit code: 2
/// for a UsageError, 1 for all else. A broken pipe on stdout ends it quietly.
int guarded_main(const std::string& program, const std::function<int()>& body);

}  // namespace remote::app
