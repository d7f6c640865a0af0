#include <remote/device/settled_calls.h>

namespace remote::device {
namespace {

struct Hash {
  static constexpr uint64_t kFactor = 0x9e3779b97f4a7c15;
  uint64_t value = 0;

  void add(uint64_t word) { value = value * kFactor + word; }
  void add(const at::Tensor& tensor) {
    if (!tensor.defined()) return add(uint64_t{1});
    const uint64_t is_wrapped = tensor.unsafeGetTensorImpl()->is_wrapped_number() ? 1 : 0;
    add(static_cast<uint64_t>(tensor.scalar_type()) << 16 | static_cast<uint64_t>(tensor.dim()) << 1 | is_wrapped);
    for (const int64_t size : tensor.sizes()) add(static_cast<uint64_t>(size));
  }
  void add(const c10::IValue& value) {
    if (value.isTensor()) return add(value.toTensor());
    if (value.isInt()) return add(static_cast<uint64_t>(value.toInt()) ^ 2);
    if (value.isBool()) return add(uint64_t{value.toBool()} + 4);
    if (value.isList()) {
      add(value.toListRef().size() + 8);
      for (const c10::IValue& item : value.toListRef()) add(item);
      return;
    }
    // Numbers that are no integers, generators, names: only whether they are there.
    add(uint64_t{value.isNone()} << 1 | uint64_t{value.isComplexDouble()});
  }
};

}  // namespace

uint64_t key_of_call(const OpInfo& info, c10::ArrayRef<c10::IValue> arguments) {
  Hash hash;
  hash.add(reinterpret_cast<uintptr_t>(&info));
  for (const c10::IValue& argument : arguments) hash.add(argument);
  for (const int index : info.out_arguments) {
    for (const int64_t stride : arguments[index].toTensor().strides()) hash.add(static_cast<uint64_t>(stride));
  }
  // The upper bits choose a place.
  return (hash.value ^ hash.value >> 32) * Hash::kFactor;
}

}  // namespace remote::device
