#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace remote::bench {

/// What figures depend on: date, processor, memory, kernel, LibTorch, build type, threads.
std::vector<std::pair<std::string, std::string>> describe_machine();

/// Bytes that can be had without swapping, as the kernel estimates them.
uint64_t available_memory_bytes();

}  // namespace remote::bench
