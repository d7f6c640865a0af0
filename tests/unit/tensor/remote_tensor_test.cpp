#include <remote/tensor/remote_tensor.h>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cstring>
#include <sstream>

#include <remote/device/device_scope.h>
#include <remote/device/error.h>
#include <remote/device/runtime.h>
#include <remote/tensor/current_device.h>

#include "worker.h"

namespace remote::test {
namespace {

TEST(RemoteTensorTest, GoesToTheWorkerAndBackUnchanged) {
  const at::Tensor local = at::randn({3, 4}).t();
  const RemoteTensor tensor = RemoteTensor::from_local(local);
  EXPECT_EQ(tensor.device(), kRemote);
  EXPECT_EQ(tensor.sizes(), local.sizes());
  EXPECT_EQ(tensor.dtype(), at::kFloat);
  EXPECT_EQ(tensor.nbytes(), 48u);
  EXPECT_TRUE(at::equal(tensor.to_local(), local));
  EXPECT_TRUE(at::equal(tensor.to_local_async().get(), local));
}

TEST(RemoteTensorTest, SourceMayBeOverwrittenOnceFromLocalReturned) {
  at::Tensor local = at::ones({1000});
  const RemoteTensor tensor = RemoteTensor::from_local(local);
  local.zero_();
  EXPECT_EQ(tensor.to_local().sum().item<float>(), 1000);
}

TEST(RemoteTensorTest, ConvertsToAndFromTensor) {
  const RemoteTensor tensor = RemoteTensor::from_local(at::ones({2, 2}));
  const RemoteTensor doubled = tensor.tensor() + at::Tensor(tensor);
  EXPECT_TRUE(at::equal(doubled.to_local(), at::full({2, 2}, 2.0)));
}

TEST(RemoteTensorTest, TensorOnAnotherDeviceIsRefusedWithAdvice) {
  try {
    RemoteTensor tensor(at::ones({2, 3}));
    FAIL() << "a CPU tensor was taken";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), StatusCode::kInvalidArgument);
    const std::string text = error.what();
    EXPECT_NE(text.find("Float [2, 3] on cpu"), std::string::npos) << text;
    EXPECT_NE(text.find("from_local()"), std::string::npos) << text;
  }
  EXPECT_THROW(RemoteTensor(at::Tensor()), Error);
  EXPECT_THROW(RemoteTensor::from_local(at::ones({2}, at::TensorOptions().device(kRemote))), Error);
  EXPECT_THROW(RemoteTensor().to_local(), Error);
}

TEST(RemoteTensorTest, ViewsShareTheStorageIdAndCopiesDoNot) {
  const RemoteTensor tensor = RemoteTensor::from_local(at::ones({4, 4}));
  const RemoteTensor view = tensor.tensor().select(0, 1), copy = tensor.tensor().clone();
  EXPECT_NE(tensor.storage_id(), 0u);
  EXPECT_EQ(view.storage_id(), tensor.storage_id());
  EXPECT_NE(copy.storage_id(), tensor.storage_id());
  EXPECT_EQ(view.storage_offset(), 4);
  EXPECT_FALSE(tensor.worker().empty());
}

TEST(RemoteTensorTest, FromLocalFollowsTheDeviceScope) {
  DeviceScope scope("remote:1");
  EXPECT_EQ(current_device(), c10::Device("remote:1"));
  EXPECT_EQ(RemoteTensor::from_local(at::ones({2}, at::kCPU)).device(), c10::Device("remote:1"));
  DeviceScope inner("cpu");
  EXPECT_EQ(current_device(), c10::Device("cpu"));
  EXPECT_EQ(current_remote_device().type(), c10::DeviceType::PrivateUse1);
}

TEST(RemoteTensorTest, StatusTellsTheErrorWithoutThrowing) {
  const RemoteTensor healthy = RemoteTensor::from_local(at::ones({2}));
  EXPECT_TRUE(healthy.status().ok()) << healthy.status();
  const RemoteTensor broken = failed_on_the_worker();
  EXPECT_TRUE(broken.is_poisoned());
  EXPECT_NE(broken.status().message().find("index_select"), std::string::npos) << broken.status();
  EXPECT_FALSE(healthy.is_poisoned());
  EXPECT_THROW(broken.to_local(), Error);
  EXPECT_TRUE(at::equal(healthy.to_local(), at::ones({2}))) << "the error was seen; nothing may report it again";
}

TEST(RemoteTensorTest, DeadlineLeavesTheTensorUsable) {
  const RemoteTensor tensor = RemoteTensor::from_local(at::ones({64, 64}));
  at::Tensor product = tensor;
  for (int i = 0; i < 2000; ++i) product = at::mm(product, tensor).mul_(1.0 / 64);
  const RemoteTensor result = product;
  try {
    result.to_local(FetchOptions::within(std::chrono::milliseconds(0)));
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), StatusCode::kDeadlineExceeded) << error.what();
  }
  EXPECT_TRUE(at::equal(result.to_local(), at::ones({64, 64})));
}

TEST(RemoteTensorTest, PrintsValuesAndPlace) {
  std::ostringstream out;
  out << RemoteTensor::from_local(at::full({2}, 7.0));
  EXPECT_NE(out.str().find("7"), std::string::npos) << out.str();
  EXPECT_NE(out.str().find("Float [2] on remote:0, worker"), std::string::npos) << out.str();

  std::ostringstream broken;
  broken << RemoteTensor(failed_on_the_worker());
  EXPECT_NE(broken.str().find("not readable: "), std::string::npos) << broken.str();
  std::ostringstream none;
  none << RemoteTensor();
  EXPECT_EQ(none.str(), "[ undefined RemoteTensor ]");
}

}  // namespace
}  // namespace remote::test
