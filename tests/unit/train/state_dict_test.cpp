#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <remote/device/error.h>
#include <remote/train/models/char_gpt.h>
#include <remote/train/state_dict.h>

namespace remote::train {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

NamedTensors without(NamedTensors tensors, const std::string& name) {
  std::erase_if(tensors, [&](const NamedTensor& entry) { return entry.name == name; });
  return tensors;
}

std::string fault_of(torch::nn::Module& module, const NamedTensors& values) {
  try {
    load_state_dict(module, values, "x.safetensors");
    return "nothing";
  } catch (const Error& error) {
    return error.status().message();
  }
}

TEST(StateDictTest, BuffersFollowParameters) {
  torch::nn::BatchNorm1d norm(2);
  std::vector<std::string> names;
  for (const NamedTensor& entry : state_dict(*norm)) names.push_back(entry.name);
  EXPECT_THAT(names, ::testing::ElementsAre("weight", "bias", "running_mean", "running_var", "num_batches_tracked"));
}

TEST(StateDictTest, LoadingKeepsTheTensorsIdentity) {
  torch::nn::Linear from(3, 2), to(3, 2);
  const void* weight = to->weight.unsafeGetTensorImpl();
  load_state_dict(*to, fetch_all(state_dict(*from)), "x");
  EXPECT_EQ(to->weight.unsafeGetTensorImpl(), weight);
  EXPECT_TRUE(to->weight.equal(from->weight));
  EXPECT_TRUE(to->weight.requires_grad());
}

TEST(StateDictTest, EveryMisfitIsToldAndNothingIsChanged) {
  torch::nn::Linear linear(3, 2);
  const at::Tensor before = linear->weight.clone();
  EXPECT_THAT(fault_of(*linear, {{"weight", at::ones({2, 4})}, {"wieght", at::ones({2, 3})}}),
              AllOf(HasSubstr("x.safetensors does not fit the model"), HasSubstr("missing there:\n    bias [2]"),
                    HasSubstr("not in the model:\n    wieght [2, 3]"),
                    HasSubstr("of another shape:\n    weight: [2, 4] there, [2, 3] in the model")));
  EXPECT_TRUE(linear->weight.equal(before));
}

TEST(StateDictTest, TheCountOfBatchesMayBeMissing) {
  torch::nn::BatchNorm1d norm(2);
  EXPECT_EQ(fault_of(*norm, without(fetch_all(state_dict(*norm)), "num_batches_tracked")), "nothing");
  EXPECT_THAT(fault_of(*norm, without(fetch_all(state_dict(*norm)), "running_var")), HasSubstr("running_var"));
}

TEST(StateDictTest, ATiedTensorIsStoredOnceAndLoadsByEitherName) {
  CharGPT model({.vocab_size = 5, .n_layer = 1, .n_head = 1, .n_embd = 4, .block_size = 3});
  NamedTensors saved = fetch_all(state_dict(model));
  auto named = [&](const std::string& name) {
    return std::find_if(saved.begin(), saved.end(), [&](const auto& entry) { return entry.name == name; });
  };
  EXPECT_EQ(named("lm_head.weight"), saved.end());
  ASSERT_NE(named("transformer.wte.weight"), saved.end());
  EXPECT_EQ(fault_of(model, saved), "nothing");
  named("transformer.wte.weight")->name = "lm_head.weight";
  EXPECT_EQ(fault_of(model, saved), "nothing");
}

}  // namespace
}  // namespace remote::train
