#include <remote/remote.h>

#include <gtest/gtest.h>

namespace remote {
namespace {

at::TensorOptions on(const char* device) { return at::TensorOptions(at::kFloat).device(device); }

at::Tensor failing_op(const char* device) {
  return at::ones({3, 2}, on(device)).index_select(0, at::full({1}, 7, on(device).dtype(at::kLong)));
}

TEST(ConnectTest, AddressesBecomeDevicesInOrder) {
  connect({"embedded:cpu", "embedded:cpu"});
  connect({"embedded:cpu", "embedded:cpu"});
  EXPECT_EQ(RemoteTensor(at::ones({2}, on("remote:1"))).worker(), "embedded:cpu");
  EXPECT_EQ(at::ones({2}, on("remote:1")).sum().item<float>(), 2);
  try {
    connect({"embedded"});
    FAIL() << "a device was connected twice";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), StatusCode::kAlreadyExists) << error.what();
  }
}

TEST(ConnectTest, NobodyListeningIsOneClearError) {
  disconnect(c10::Device("remote:0"));
  try {
    connect({"unix:/nowhere/worker.sock"});
    FAIL() << "connected to nobody";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("/nowhere/worker.sock"), std::string::npos) << error.what();
  }
  EXPECT_THROW(connect({"not an address"}), Error);
  EXPECT_THROW(connect({}), c10::Error);
  connect({"embedded:cpu"});
}

TEST(ConnectTest, AGeneratorOutlivesTheSessionItWasMadeIn) {
  connect({"embedded:cpu"});
  at::Generator generator = at::globalContext().defaultGenerator(c10::Device("remote:0")).clone();
  const auto draw = [&] { return at::empty({4}, on("remote:0")).uniform_(0, 1, generator).cpu(); };
  generator.set_current_seed(5);
  const at::Tensor before = draw();
  disconnect(c10::Device("remote:0"));
  connect({"embedded:cpu"});
  EXPECT_TRUE(before.equal(draw())) << "from its seed again";
}

TEST(ConnectTest, DisconnectedDeviceCanBeConnectedAgain) {
  connect({"embedded:cpu"});
  const at::Tensor old = at::ones({2}, on("remote:0"));
  disconnect(c10::Device("remote:0"));
  connect({"embedded:cpu"});
  EXPECT_EQ(at::ones({3}, on("remote:0")).sum().item<float>(), 3);
  EXPECT_THROW((old + old).sum().item<float>(), Error);
  try {
    synchronize(c10::Device("remote:0"));
  } catch (const Error&) {
  }
  clear_errors(c10::Device("remote:0"));
  disconnect(c10::Device("remote:5"));
  EXPECT_THROW(disconnect(c10::Device("cpu")), Error);
}

TEST(SynchronizeTest, ReportsAnErrorOnceAndHealthyTensorsStay) {
  const at::Tensor healthy = at::ones({2}, on("remote:0"));
  const at::Tensor broken = failing_op("remote:0");
  EXPECT_THROW(synchronize(), Error);
  EXPECT_NO_THROW(synchronize());
  EXPECT_EQ(healthy.sum().item<float>(), 2);
}

TEST(ClearErrorsTest, ParametersStayAsTheyWereBeforeTheBadBatch) {
  nn::Linear layer(2, 1);
  optim::SGD optimizer(layer->parameters(), optim::SGDOptions(0.1));
  auto step = [&](int64_t row) {
    optimizer.zero_grad();
    const at::Tensor table = at::ones({3, 2}, on("remote:0"));
    const at::Tensor batch = table.index_select(0, at::full({1}, row, on("remote:0").dtype(at::kLong)));
    layer->forward(batch).sum().backward();
    optimizer.step();
  };
  step(0);
  const at::Tensor before = layer->weight.detach().cpu();
  EXPECT_THROW(
      {
        step(7);
        synchronize();
      },
      Error);
  clear_errors();
  EXPECT_TRUE(at::equal(layer->weight.detach().cpu(), before));
  step(1);
  EXPECT_TRUE(at::allclose(layer->weight.detach().cpu(), before - 0.1));
}

}  // namespace
}  // namespace remote
