#pragma once
#include <cstdint>

namespace remote::client {

/// How many forks lie between the process that loaded this library and this one. A session whose number is
/// smaller belongs to a parent process: its threads and its connection did not come along. Thread-safe, one load.
uint64_t fork_generation();

}  // namespace remote::client
