#include <remote/remote.h>

#include <gtest/gtest.h>

#include <algorithm>

namespace remote {
namespace {

struct NetImpl : torch::nn::Module {
  NetImpl() {
    register_module("embedding", embedding);
    register_module("fc", fc);
    register_module("norm", norm);
  }
  at::Tensor forward(const at::Tensor& indices) { return norm->forward(fc->forward(embedding->forward(indices))); }

  nn::Embedding embedding{10, 4};
  nn::Linear fc{4, 3};
  nn::BatchNorm1d norm{3};
};

bool is_registered(const at::Tensor& tensor, const std::string& name) {
  const auto infos = storage_registry();
  return std::any_of(infos.begin(), infos.end(), [&](const StorageInfo& info) {
    return info.id == RemoteTensor(tensor).storage_id() && info.name == name;
  });
}

TEST(NameParametersTest, RegistryKnowsParametersAndBuffers) {
  NetImpl net;
  name_parameters(net, "net");
  EXPECT_TRUE(is_registered(net.fc->weight, "net.fc.weight"));
  EXPECT_TRUE(is_registered(net.embedding->weight, "net.embedding.weight"));
  EXPECT_TRUE(is_registered(net.norm->running_mean, "net.norm.running_mean"));
}

TEST(NameParametersTest, ErrorOfTheWorkerNamesTheLayer) {
  NetImpl net;
  name_parameters(net, "net");
  const at::Tensor indices = at::full({2}, 10, at::TensorOptions(at::kLong).device("remote:0"));
  try {
    RemoteTensor(net.forward(indices)).to_local();
    FAIL() << "row 10 of 10 was accepted";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("net.embedding"), std::string::npos) << error.what();
  }
}

TEST(NameParametersTest, ShapeErrorFoundHereNamesTheLayer) {
  NetImpl net;
  name_parameters(net);
  try {
    net.fc->forward(at::ones({2, 5}, at::TensorOptions().device("remote:0")));
    FAIL() << "5 features were accepted where 4 are expected";
  } catch (const c10::Error& error) {
    EXPECT_NE(std::string(error.what_without_backtrace()).find("layer fc"), std::string::npos) << error.what();
  }
}

TEST(NameParametersTest, WithoutItTheTypeIsNamed) {
  nn::Linear layer(4, 3);
  try {
    layer->forward(at::ones({2, 5}, at::TensorOptions().device("remote:0")));
    FAIL() << "5 features were accepted where 4 are expected";
  } catch (const c10::Error& error) {
    EXPECT_NE(std::string(error.what_without_backtrace()).find("layer Linear"), std::string::npos) << error.what();
  }
}

TEST(NameParametersTest, PathsDoNotRepeatWhatIsOpenAlready) {
  nn::Linear layer(4, 3);
  layer->set_scope_path("net.fc");
  const NameScope outer("net");
  try {
    layer->forward(at::ones({2, 5}, at::TensorOptions().device("remote:0")));
    FAIL() << "5 features were accepted where 4 are expected";
  } catch (const c10::Error& error) {
    EXPECT_NE(std::string(error.what_without_backtrace()).find("layer net.fc"), std::string::npos) << error.what();
  }
}

TEST(NameParametersTest, LocalModulesArePassedOver) {
  torch::nn::Linear layer(4, 3);
  EXPECT_NO_THROW(name_parameters(*layer));
}

}  // namespace
}  // namespace remote
