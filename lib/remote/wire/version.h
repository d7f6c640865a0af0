#pragma once
#include <cstdint>

namespace remote::wire {

/// The protocol that this build speaks; proto/VERSIONS.md tells what each number changed. Client and worker must agree.
inline constexpr uint32_t kProtocolVersion = 1;

}  // namespace remote::wire
