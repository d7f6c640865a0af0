#include <remote/data/dataset.h>

#include <ATen/ATen.h>

#include <algorithm>

namespace remote::data {

at::Tensor index_tensor(const std::vector<int64_t>& indices, c10::Device device) {
  // The device is always named: within a DeviceScope, a factory that names none makes remote tensors.
  at::Tensor local = at::empty({static_cast<int64_t>(indices.size())}, at::TensorOptions(at::kLong).device(at::kCPU));
  std::copy(indices.begin(), indices.end(), local.mutable_data_ptr<int64_t>());
  return local.to(device);
}

}  // namespace remote::data
