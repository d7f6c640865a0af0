#pragma once
#include <ATen/core/Tensor.h>
#include <c10/util/SmallVector.h>

#include <string>

#include <remote/device/storage.h>
#include <remote/wire/value.h>

namespace remote::device {

inline bool is_remote(const at::Tensor& tensor) {
  return tensor.defined() && tensor.device().type() == c10::DeviceType::PrivateUse1;
}

/// Describes the remote tensors of one record, inside Session::record() of their device. A storage that the stream has
/// not mentioned is described as fresh once; forget() takes that back when the record did not come about.
class Describer final : public wire::ArgumentDescriber {
 public:
  explicit Describer(c10::DeviceIndex device) : device_(device) {}

  bool describe(const at::Tensor& tensor, wire::TensorRef& ref) override;
  StatusOr<uint64_t> describe(const at::Generator& generator) override;
  std::string place() const override { return device().str(); }
  void forget();
  c10::Device device() const { return {c10::DeviceType::PrivateUse1, device_}; }

 private:
  const c10::DeviceIndex device_;
  c10::SmallVector<StorageContext*, 8> announced_;
};

/// Throws Error for sizes that no worker takes: too many dimensions, or elements (strides of 0 cost nothing here).
void check_within_limits(c10::IntArrayRef sizes);

/// "Float [64, 128] on remote:0".
std::string describe_for_people(const at::Tensor& tensor);

}  // namespace remote::device
