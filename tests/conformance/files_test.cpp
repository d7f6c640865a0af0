#include <sstream>

#include "same.h"
#include "support/temporary_folder.h"

namespace remote::test {
namespace {

using Files = Conformance;

TEST_F(Files, HoldTensorsModulesAndOptimizers) {
  const TemporaryFolder folder;
  const auto tensor = torch::randn({3, 4}).to(device()).t();
  torch::save(tensor, folder.file("tensor.pt"));
  torch::Tensor loaded;
  torch::load(loaded, folder.file("tensor.pt"));
  EXPECT_TRUE(same(tensor.cpu(), loaded));
  EXPECT_EQ(loaded.device(), device());
  torch::load(loaded, folder.file("tensor.pt"), torch::kCPU);
  EXPECT_TRUE(loaded.is_cpu());
  EXPECT_TRUE(same(tensor.cpu(), loaded));

  const auto base = torch::arange(3).to(device());
  const std::vector<torch::Tensor> several = {base, torch::ones({2}).to(device()).requires_grad_(), base.slice(0, 1)};
  torch::save(several, folder.file("several.pt"));
  std::vector<torch::Tensor> loaded_several;
  torch::load(loaded_several, folder.file("several.pt"));
  ASSERT_EQ(loaded_several.size(), several.size());
  EXPECT_TRUE(same(several[0].cpu(), loaded_several[0]));
  EXPECT_TRUE(loaded_several[1].requires_grad());
  EXPECT_TRUE(loaded_several[2].is_alias_of(loaded_several[0])) << "they shared a storage";
  EXPECT_EQ(loaded_several[2].storage_offset(), 1);

  torch::nn::BatchNorm1d module(4), other(4);
  module->to(device());
  module->forward(torch::randn({8, 4}).to(device()));
  torch::save(module, folder.file("module.pt"));
  other->to(device());
  torch::load(other, folder.file("module.pt"), device());
  EXPECT_TRUE(same(module->running_mean.cpu(), other->running_mean));
  EXPECT_EQ(other->num_batches_tracked.item<int64_t>(), 1);

  torch::optim::Adam optimizer(module->parameters(), 0.1), resumed(module->parameters(), 0.1);
  module->forward(torch::randn({8, 4}).to(device())).sum().backward();
  optimizer.step();
  torch::save(optimizer, folder.file("optimizer.pt"));
  torch::load(resumed, folder.file("optimizer.pt"));
  EXPECT_EQ(resumed.state().size(), optimizer.state().size());
}

TEST_F(Files, WrittenOnTheCpuAreReadOntoTheDeviceAndTheOtherWayRound) {
  const auto tensor = torch::randn({5});
  for (const auto& [from, to] :
       {std::pair{torch::Device(torch::kCPU), device()}, std::pair{device(), torch::Device(torch::kCPU)}}) {
    std::stringstream file;
    torch::save(tensor.to(from), file);
    torch::Tensor loaded;
    torch::load(loaded, file, to);
    EXPECT_EQ(loaded.device(), to);
    EXPECT_TRUE(same(tensor, loaded));
  }
  const auto bytes = torch::pickle_save(tensor.to(device()));
  EXPECT_TRUE(same(tensor, torch::pickle_load(bytes).toTensor()));
}

}  // namespace
}  // namespace remote::test
