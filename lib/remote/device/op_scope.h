#pragma once
#include <cstdint>

namespace remote::device {

/// The number of the scope that an op recorded now belongs to, for errors to name: the NameScope that is open, or, in a
/// backward pass that has opened none itself, the forward op and the NameScope that was open around it: "net.fc1,
/// backward pass of addmm (AddmmBackward0)". 0: none. Not to be called under a lock: a node of Python's tells its name
/// with the GIL held.
uint32_t scope_of_op();

}  // namespace remote::device
