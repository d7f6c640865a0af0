#pragma once
#include <array>
#include <cstdint>

#include <remote/device/op_info.h>

namespace remote::device {

/// A hash of all that the layout of an op's outs depends on, the outs' own included. Some tens of nanoseconds.
uint64_t key_of_call(const OpInfo& info, c10::ArrayRef<c10::IValue> arguments);

/// The calls whose outs were looked at and found right, so that they need no second look. A call that finds its place
/// taken by another is looked at again each time.
class SettledCalls {
 public:
  /// The calling thread's, of outs that are new: whether they are as LibTorch's wrapper makes them.
  static SettledCalls& here() {
    static thread_local SettledCalls calls;
    return calls;
  }
  bool contains(uint64_t key) const { return keys_[key >> kShift] == key; }
  void add(uint64_t key) { keys_[key >> kShift] = key; }

 private:
  static constexpr int kBits = 10, kShift = 64 - kBits;
  std::array<uint64_t, size_t{1} << kBits> keys_{};
};

}  // namespace remote::device
