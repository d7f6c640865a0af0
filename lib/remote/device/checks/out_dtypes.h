#pragma once
#include <cstdint>
#include <string_view>

namespace remote::device {

/// Which dtypes of outs an op's CPU kernels take.
enum class OutDtypes : uint8_t {
  kCastable,  ///< those that the result's can be cast to without loss of its kind
  kExact,     ///< the result's
  kAny,       ///< all: they compute in the out's
};

/// By the name of the op without the overload, "aten::mm". Thread-safe.
OutDtypes out_dtypes_of(std::string_view op);

}  // namespace remote::device
