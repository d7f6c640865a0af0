// Every module of remote::nn against torch::nn's on the CPU: where it is born, what it computes, its gradients, its
// clone.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>

#include <remote/device/runtime.h>
#include <remote/tensor/fetch.h>

#include "module_case.h"
#include "worker.h"

namespace remote::nn::test {

void add_case(ModuleCases& cases, const char* name, Inputs inputs, Made (*make_local)(), Made (*make_remote)()) {
  cases[name] = {std::move(inputs), make_local, make_remote};
}

namespace {

constexpr uint64_t kSeed = 5;

std::vector<std::string> listed_names() {
  return {
#define REMOTE_NN_NAME(Name, PARAMETERS, ARGUMENTS) #Name,
      REMOTE_NN_MODULES(REMOTE_NN_NAME)
#undef REMOTE_NN_NAME
  };
}

const ModuleCases& cases() {
  static const ModuleCases all = [] {
    ModuleCases result;
    add_parameter_modules(result);
    add_shape_only_modules(result);
    add_losses(result);
    return result;
  }();
  return all;
}

client::Counters counters() { return device::Runtime::get().session(0).counters(); }

std::vector<at::Tensor> tensors_of(const torch::nn::Module& module) {
  std::vector<at::Tensor> tensors = module.parameters();
  for (const auto& buffer : module.buffers()) tensors.push_back(buffer);
  return tensors;
}

void expect_same(const at::Tensor& remote, const at::Tensor& local, const std::string& what) {
  ASSERT_EQ(remote.defined(), local.defined()) << what;
  if (!local.defined()) return;
  const at::Tensor value = remote.detach().cpu();
  ASSERT_EQ(value.sizes(), local.sizes()) << what;
  ASSERT_EQ(value.scalar_type(), local.scalar_type()) << what;
  EXPECT_TRUE(at::equal(value, local.detach())) << what << " differs by " << (value - local).abs().max() << ":\n"
                                                << value << "\n"
                                                << local;
}

/// The inputs on a device; those of floating point require a gradient.
std::vector<at::Tensor> inputs_on(const Inputs& inputs, c10::Device device) {
  std::vector<at::Tensor> result;
  for (const Input& input : inputs) {
    at::Tensor tensor = input.stays_local ? input.tensor : input.tensor.detach().to(device).clone();
    if (tensor.is_floating_point() && input.has_gradient) tensor.requires_grad_();
    result.push_back(std::move(tensor));
  }
  return result;
}

/// Weighs the outputs, so that no gradient vanishes by symmetry, and runs back.
void backward(const std::vector<at::Tensor>& outputs) {
  at::Tensor total;
  for (const at::Tensor& output : outputs) {
    if (!output.requires_grad()) continue;
    const at::Tensor weights = (other_numbers(output.sizes()) + 0.5).to(output.device());
    const at::Tensor part = (output * weights).sum();
    total = total.defined() ? total + part : part;
  }
  if (total.defined()) total.backward();
}

class EveryModuleTest : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    ASSERT_TRUE(cases().contains(GetParam())) << "remote::nn::" << GetParam() << " is in the list and has no case here";
    module_case_ = &cases().at(GetParam());
  }
  Made make_remote() const {
    torch::manual_seed(kSeed);
    return module_case_->make_remote();
  }

  const ModuleCase* module_case_ = nullptr;
};

TEST_P(EveryModuleTest, IsBornOnTheWorkerWithTheValuesOfALocalOne) {
  torch::manual_seed(kSeed);
  const Made local = module_case_->make_local();
  const client::Counters before = counters();
  const Made remote = make_remote();
  const client::Counters after = counters();
  EXPECT_EQ(after.uploads, before.uploads) << "construction uploaded something";
  EXPECT_EQ(after.synchronisations, before.synchronisations) << "construction waited for the worker";

  const auto expected = tensors_of(*local.module), actual = tensors_of(*remote.module);
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < actual.size(); ++i) {
    ASSERT_EQ(actual[i].device(), kRemote) << "tensor " << i;
    expect_same(actual[i], expected[i], "initial tensor " + std::to_string(i));
  }
}

TEST_P(EveryModuleTest, ComputesWhatALocalOneComputesAndItsGradients) {
  torch::manual_seed(kSeed);
  const Made local = module_case_->make_local();
  const auto local_inputs = inputs_on(module_case_->inputs, at::kCPU);
  const auto local_outputs = local.forward(*local.module, local_inputs);
  backward(local_outputs);

  const Made remote = make_remote();
  const auto remote_inputs = inputs_on(module_case_->inputs, kRemote);
  const auto remote_outputs = remote.forward(*remote.module, remote_inputs);
  backward(remote_outputs);

  ASSERT_EQ(remote_outputs.size(), local_outputs.size());
  for (size_t i = 0; i < local_outputs.size(); ++i) {
    expect_same(remote_outputs[i], local_outputs[i], "output " + std::to_string(i));
  }
  for (size_t i = 0; i < local_inputs.size(); ++i) {
    expect_same(remote_inputs[i].grad(), local_inputs[i].grad(), "gradient of input " + std::to_string(i));
  }
  const auto expected = local.module->named_parameters(), actual = remote.module->named_parameters();
  ASSERT_EQ(actual.size(), expected.size());
  for (const auto& item : expected) {
    expect_same(actual[item.key()].grad(), item.value().grad(), "gradient of " + item.key());
  }
  const auto local_buffers = local.module->named_buffers(), remote_buffers = remote.module->named_buffers();
  for (const auto& item : local_buffers) {
    expect_same(remote_buffers[item.key()], item.value(), "buffer " + item.key());
  }
}

TEST_P(EveryModuleTest, CloneKeepsTheTypeUploadsNothingAndDrawsNothingHere) {
  const Made remote = make_remote();
  const at::Tensor local_state = at::globalContext().defaultGenerator(at::kCPU).get_state().clone();
  const client::Counters before = counters();
  const auto clone = remote.module->clone();
  EXPECT_EQ(counters().uploads, before.uploads);
  EXPECT_TRUE(at::equal(at::globalContext().defaultGenerator(at::kCPU).get_state(), local_state));

  const auto& original = *remote.module;
  const auto& copy = *clone;
  EXPECT_EQ(typeid(copy), typeid(original)) << copy.name() << " was made of " << original.name();
  const auto expected = tensors_of(original), actual = tensors_of(copy);
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < actual.size(); ++i) {
    EXPECT_EQ(actual[i].device(), kRemote);
    EXPECT_FALSE(actual[i].is_alias_of(expected[i]));
    expect_same(actual[i], expected[i].cpu(), "tensor " + std::to_string(i));
  }
}

INSTANTIATE_TEST_SUITE_P(All, EveryModuleTest, ::testing::ValuesIn(listed_names()),
                         [](const ::testing::TestParamInfo<std::string>& info) { return info.param; });

TEST(ModuleListTest, HasEveryModuleThatLibTorchHas) {
  const std::vector<std::string> names = listed_names();
  const std::set<std::string> listed(names.begin(), names.end());
  EXPECT_EQ(listed.size(), names.size()) << "a module is listed twice";
  // They hold modules or tensors that others made, and are torch::nn's own here.
  const std::set<std::string> containers{"Functional",    "ModuleDict",    "ModuleList",
                                         "ParameterDict", "ParameterList", "Sequential"};
  const std::regex declaration(R"((?:^TORCH_MODULE\((\w+)\))|(?:^class (\w+) : public torch::nn::ModuleHolder<))");
  std::set<std::string> found;
  for (const auto& file : std::filesystem::recursive_directory_iterator(LIBTORCH_NN_MODULES)) {
    std::ifstream in(file.path());
    for (std::string line; std::getline(in, line);) {
      std::smatch match;
      if (std::regex_search(line, match, declaration)) found.insert(match[1].matched ? match[1] : match[2]);
    }
  }
  for (const std::string& container : containers) EXPECT_TRUE(found.erase(container)) << container;
  EXPECT_EQ(listed, found);
}

}  // namespace
}  // namespace remote::nn::test
