#include <sstream>

#include "same.h"

namespace remote::test {
namespace {

namespace nn = torch::nn;
using Modules = Conformance;

nn::Sequential small_network() {
  return nn::Sequential(nn::Conv2d(1, 2, 3), nn::BatchNorm2d(2), nn::ReLU(), nn::Flatten(), nn::Linear(32, 4),
                        nn::LayerNorm(nn::LayerNormOptions({4})));
}

testing::AssertionResult same_state(const nn::Module& expected, const nn::Module& actual) {
  const auto compare = [](const auto& from, const auto& to) -> testing::AssertionResult {
    if (from.size() != to.size()) return testing::AssertionFailure() << from.size() << " entries, then " << to.size();
    for (const auto& item : from) {
      if (auto result = same(item.value(), to[item.key()]); !result) return result << " (" << item.key() << ")";
    }
    return testing::AssertionSuccess();
  };
  const auto parameters = compare(expected.named_parameters(), actual.named_parameters());
  return parameters ? compare(expected.named_buffers(), actual.named_buffers()) : parameters;
}

std::shared_ptr<nn::SequentialImpl> moved(const nn::Sequential& network) {
  auto copy = std::dynamic_pointer_cast<nn::SequentialImpl>(network->clone());
  copy->to(device());
  return copy;
}

TEST_F(Modules, MoveThereAndBackWithTheirBuffers) {
  auto network = small_network();
  const auto before = std::dynamic_pointer_cast<nn::SequentialImpl>(network->clone());
  const auto* weight = network->parameters()[0].unsafeGetTensorImpl();
  network->to(device());
  for (const auto& parameter : network->parameters()) EXPECT_EQ(parameter.device(), device());
  for (const auto& buffer : network->buffers()) EXPECT_EQ(buffer.device(), device());
  EXPECT_EQ(network->parameters()[0].unsafeGetTensorImpl(), weight) << "the parameter is another tensor";
  EXPECT_TRUE(same_state(*before, *network));
  network->to(torch::kCPU);
  EXPECT_TRUE(network->parameters()[0].is_cpu());
  EXPECT_TRUE(same_state(*before, *network));
}

TEST_F(Modules, ChangeTheirDtypeOnTheWay) {
  auto network = nn::Linear(3, 2);
  network->to(device(), torch::kDouble);
  EXPECT_EQ(network->weight.scalar_type(), torch::kDouble);
  EXPECT_EQ(network->forward(torch::ones({1, 3}, network->weight.options())).scalar_type(), torch::kDouble);
}

TEST_F(Modules, ComputeTheSameForwardAndBackward) {
  auto here = small_network();
  auto there = moved(here);
  const auto images = torch::randn({5, 1, 6, 6});
  auto expected = here->forward(images), actual = there->forward(images.to(device()));
  EXPECT_TRUE(same(expected, actual));
  expected.pow(2).sum().backward();
  actual.pow(2).sum().backward();
  for (size_t i = 0; i < here->parameters().size(); ++i) {
    EXPECT_TRUE(same(here->parameters()[i].grad(), there->parameters()[i].grad())) << "parameter " << i;
  }
  EXPECT_TRUE(same_state(*here, *there)) << "running statistics";
  here->eval();
  there->eval();
  EXPECT_TRUE(same(here->forward(images), there->forward(images.to(device()))));
}

TEST_F(Modules, ThatRecurComputeTheSame) {
  const auto sequence = torch::randn({5, 3, 4});
  nn::LSTM lstm(nn::LSTMOptions(4, 6).num_layers(2).bidirectional(true));
  nn::LSTM lstm_there = std::dynamic_pointer_cast<nn::LSTMImpl>(lstm->clone(device()));
  EXPECT_TRUE(same(std::get<0>(lstm->forward(sequence)), std::get<0>(lstm_there->forward(sequence.to(device())))));
  nn::GRU gru(nn::GRUOptions(4, 6).batch_first(true));
  nn::GRU gru_there = std::dynamic_pointer_cast<nn::GRUImpl>(gru->clone(device()));
  EXPECT_TRUE(same(std::get<0>(gru->forward(sequence)), std::get<0>(gru_there->forward(sequence.to(device())))));
}

TEST_F(Modules, WithAttentionComputeTheSame) {
  nn::TransformerEncoderLayer layer(nn::TransformerEncoderLayerOptions(8, 2).dim_feedforward(16).dropout(0));
  nn::TransformerEncoderLayer there =
      std::dynamic_pointer_cast<nn::TransformerEncoderLayerImpl>(layer->clone(device()));
  const auto tokens = torch::randn({5, 3, 8});
  EXPECT_TRUE(same(layer->forward(tokens), there->forward(tokens.to(device()))));
}

TEST_F(Modules, AreClonedWhereTheyAreAndElsewhere) {
  auto there = moved(small_network());
  const auto copy = std::dynamic_pointer_cast<nn::SequentialImpl>(there->clone());
  EXPECT_EQ(copy->parameters()[0].device(), device());
  EXPECT_TRUE(same_state(*there, *copy));
  {
    torch::NoGradGuard guard;
    copy->parameters()[0].zero_();
  }
  EXPECT_GT(there->parameters()[0].abs().sum().item<double>(), 0) << "the clone shares its weights";
  EXPECT_TRUE(same_state(*there, *there->clone(torch::kCPU)));
}

TEST_F(Modules, AndTensorsAreSavedAndLoaded) {
  auto there = moved(small_network());
  std::stringstream file;
  {
    torch::serialize::OutputArchive archive;
    there->save(archive);
    archive.save_to(file);
  }
  for (const auto to : {device(), torch::Device(torch::kCPU)}) {
    auto other = small_network();
    other->to(to);
    torch::serialize::InputArchive archive;
    file.clear();
    file.seekg(0);
    archive.load_from(file, to);
    other->load(archive);
    EXPECT_EQ(other->parameters()[0].device(), to);
    EXPECT_TRUE(same_state(*there, *other));
  }
  std::stringstream tensors;
  const auto tensor = torch::arange(5.f).to(device());
  torch::save(tensor, tensors);
  torch::Tensor loaded;
  torch::load(loaded, tensors);
  EXPECT_EQ(loaded.device(), device());
  EXPECT_TRUE(same(tensor, loaded));
}

TEST_F(Modules, AndTensorsPrintTheirValues) {
  std::ostringstream text;
  text << torch::tensor({1.5f, 2.f}).to(device());
  EXPECT_NE(text.str().find("1.5000"), std::string::npos) << text.str();
  std::ostringstream module_text;
  module_text << *moved(small_network());
  EXPECT_NE(module_text.str().find("torch::nn::Linear(in_features=32, out_features=4, bias=true)"), std::string::npos)
      << module_text.str();
}

TEST_F(Modules, GoIntoAVectorOfParametersAndBack) {
  auto there = moved(small_network());
  const auto flat = torch::nn::utils::parameters_to_vector(there->parameters());
  EXPECT_EQ(flat.device(), device());
  torch::nn::utils::vector_to_parameters(flat * 2, there->parameters());
  EXPECT_TRUE(same(flat * 2, torch::nn::utils::parameters_to_vector(there->parameters())));
}

}  // namespace
}  // namespace remote::test
