#pragma once
#include <c10/core/ScalarType.h>

#include <cstdint>
#include <initializer_list>

namespace remote::wire {

/// A set of dtypes, as the bits of a number: bit N stands for c10::ScalarType N.
class DtypeSet {
 public:
  constexpr DtypeSet() = default;
  constexpr DtypeSet(std::initializer_list<c10::ScalarType> dtypes) {
    for (const c10::ScalarType dtype : dtypes) insert(dtype);
  }
  static constexpr DtypeSet of_bits(uint64_t bits) {
    DtypeSet set;
    set.bits_ = bits;
    return set;
  }

  constexpr void insert(c10::ScalarType dtype) { bits_ |= bit(dtype); }
  constexpr bool contains(c10::ScalarType dtype) const { return (bits_ & bit(dtype)) != 0; }
  constexpr bool empty() const { return bits_ == 0; }
  constexpr uint64_t bits() const { return bits_; }
  friend constexpr DtypeSet operator|(DtypeSet one, DtypeSet other) { return of_bits(one.bits_ | other.bits_); }
  friend constexpr bool operator==(DtypeSet, DtypeSet) = default;

 private:
  static constexpr uint64_t bit(c10::ScalarType dtype) { return uint64_t{1} << static_cast<int>(dtype); }

  uint64_t bits_ = 0;
};

}  // namespace remote::wire
