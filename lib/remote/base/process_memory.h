#pragma once

namespace remote {

/// For programs that train or serve, first thing in main(): memory that tensors free stays with the process for the
/// next ones, and large tensors lie on huge pages where the system lets a program ask for them. Left alone, glibc gives
/// freed memory back and the system clears and maps its pages anew, for each step and each transfer. The environment's
/// THP_MEM_ALLOC_ENABLE=0, LibTorch's own switch, keeps huge pages off.
void keep_memory_for_tensors();

/// Gives the system back what is free at the moment.
void give_back_free_memory();

}  // namespace remote
