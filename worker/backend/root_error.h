#pragma once
#include <cstdint>
#include <memory>

#include <remote/base/status.h>

namespace remote::worker {

/// An error that happened by itself, as against one that is carried on by what depends on it.
struct RootError {
  uint64_t sequence = 0;  ///< of the record that failed
  Status status;
};

using RootErrorPtr = std::shared_ptr<const RootError>;

}  // namespace remote::worker
